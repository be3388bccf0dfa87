#include "config/log_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <limits>
#include <thread>
#include <vector>

namespace weir::config {
namespace {

using base::Logger;
using base::LogLevel;
using base::WallTime;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::SizeIs;

WallTime Clock() { return {1'767'323'045'678'900}; }  // 2026-01-02 03:04:05.6789

struct Lines {
  LogWriter writer() {
    return [this](std::string_view line) { lines.emplace_back(line); };
  }
  std::vector<std::string> lines;
};

TEST(ConsoleLogSink, WritesOneLine) {
  Lines out;
  ConsoleLogSink sink(LogLevel::kInfo, out.writer(), false, Clock);
  Logger(&sink)
      .With({{"room", "lobby"}})
      .Info("participant joined", {{"identity", "Ann B"}, {"tracks", 2}, {"e", ""}});
  EXPECT_THAT(out.lines, ElementsAre("2026-01-02T03:04:05.678Z INFO  participant joined room=lobby "
                                     "identity=\"Ann B\" tracks=2 e=\"\"\n"));
}

TEST(ConsoleLogSink, ColoursOnlyATerminal) {
  Lines out;
  ConsoleLogSink sink(LogLevel::kInfo, out.writer(), true, Clock);
  Logger(&sink).Error("x");
  EXPECT_THAT(out.lines, ElementsAre("2026-01-02T03:04:05.678Z \x1b[31mERROR\x1b[0m x\n"));
}

TEST(ConsoleLogSink, LetsNoInputEndALineOrReachTheTerminal) {
  Lines out;
  ConsoleLogSink sink(LogLevel::kInfo, out.writer(), false, Clock);
  Logger(&sink).Warn("a\nb \"c\"\x1b[2J", {{"k", "x\r\ny=\"z\"\xc2\x9b"}});
  EXPECT_THAT(out.lines, ElementsAre("2026-01-02T03:04:05.678Z WARN  a\\nb \"c\"\\u001b[2J "
                                     "k=\"x\\r\\ny=\\\"z\\\"\\u009b\"\n"));
}

TEST(JsonLogSink, WritesOneObject) {
  Lines out;
  JsonLogSink sink(LogLevel::kDebug, out.writer(), Clock);
  Logger(&sink).Debug("m\"\n\xff", {{"room", "lobby"}, {"n", -2}, {"ok", true}, {"level", "high"}});
  EXPECT_THAT(
      out.lines,
      ElementsAre("{\"ts\":\"2026-01-02T03:04:05.678Z\",\"level\":\"debug\",\"msg\":\"m\\\"\\n\xef\xbf\xbd\","
                  "\"room\":\"lobby\",\"n\":-2,\"ok\":true,\"level_\":\"high\"}\n"));
}

TEST(JsonLogSink, QuotesNumbersThatJsonHasNoFormFor) {
  Lines out;
  JsonLogSink sink(LogLevel::kDebug, out.writer(), Clock);
  Logger(&sink).Info("m", {{"x", std::numeric_limits<double>::quiet_NaN()}});
  EXPECT_THAT(out.lines, ElementsAre(EndsWith("\"x\":\"nan\"}\n")));
}

TEST(LineSink, FiltersByLevel) {
  Lines out;
  JsonLogSink sink(LogLevel::kWarn, out.writer(), Clock);
  Logger logger(&sink);
  logger.Info("no");
  sink.Write(LogLevel::kInfo, "no", {});
  EXPECT_THAT(out.lines, IsEmpty());
  sink.set_level(LogLevel::kInfo);
  logger.Info("yes");
  EXPECT_THAT(out.lines, SizeIs(1));
}

TEST(LineSink, CutsLongValues) {
  Lines out;
  ConsoleLogSink sink(LogLevel::kInfo, out.writer(), false, Clock);
  Logger(&sink).Info("m", {{"k", std::string(kMaxLogValue - 1, 'x') + "\xc3\xa4 and more"}});
  ASSERT_THAT(out.lines, SizeIs(1));
  EXPECT_THAT(out.lines[0], EndsWith("xx...\n"));
  EXPECT_LT(out.lines[0].size(), kMaxLogValue + 100);
}

TEST(LineSink, WritesWholeLinesFromManyThreads) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  JsonLogSink sink(LogLevel::kInfo, WriteTo(file), Clock);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 250; ++j) {
          Logger(&sink).Info("a message", {{"key", "value"}});
        }
      });
    }
  }
  std::rewind(file);
  std::vector<std::string> lines;
  char line[256];
  while (std::fgets(line, sizeof(line), file) != nullptr) {
    lines.emplace_back(line);
  }
  std::fclose(file);
  EXPECT_THAT(lines, SizeIs(1000));
  EXPECT_THAT(lines, Each("{\"ts\":\"2026-01-02T03:04:05.678Z\",\"level\":\"info\",\"msg\":\"a message\","
                          "\"key\":\"value\"}\n"));
}

TEST(LogLevel, HasNames) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    EXPECT_EQ(LogLevelFromString(ToString(level)), level);
  }
  EXPECT_EQ(LogLevelFromString("warning"), LogLevel::kWarn);
  EXPECT_EQ(LogLevelFromString("loud"), std::nullopt);
}

}  // namespace
}  // namespace weir::config
