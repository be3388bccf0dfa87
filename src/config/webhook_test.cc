#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/config.h"

namespace weir::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

base::Result<Loaded> LoadLines(const std::string& lines) {
  Sources sources;
  sources.file_name = "weir.yaml";
  sources.text = "keys: {APIone: a-secret-of-thirty-two-characters!}\n" + lines;
  return Load(sources);
}

TEST(Webhook, HasLiveKitsDefaults) {
  for (const char* lines : {"", "webhook: {resource_url_notifier: {max_age: 0s, max_depth: 0}}\n"}) {
    const auto loaded = LoadLines(lines);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->config.webhook.max_age, base::TimeDelta::Seconds(30));
    EXPECT_EQ(loaded->config.webhook.max_depth, 200);
    EXPECT_TRUE(loaded->config.webhook.events.Allows("room_started"));
    EXPECT_THAT(loaded->warnings, IsEmpty());
  }
}

TEST(Webhook, ReadsTheFilterAndTheLimits) {
  const auto loaded = LoadLines(R"(
webhook:
  urls: ['https://example.org/hook']
  api_key: APIone
  filter_params: {include_events: [room_started, room_finished], exclude_events: [track_published]}
  resource_url_notifier: {max_age: 1m, max_depth: 7}
)");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Webhook& webhook = loaded->config.webhook;
  EXPECT_THAT(webhook.events.includes, ElementsAre("room_started", "room_finished"));
  EXPECT_THAT(webhook.events.excludes, ElementsAre("track_published"));
  EXPECT_EQ(webhook.max_age, base::TimeDelta::Seconds(60));
  EXPECT_EQ(webhook.max_depth, 7);
  EXPECT_THAT(loaded->warnings, IsEmpty());
}

TEST(Webhook, WarnsOfAnEventThatNobodySends) {
  const auto loaded = LoadLines("webhook: {filter_params: {exclude_events: [room_start]}}\n");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_THAT(loaded->warnings,
              ElementsAre("webhook.filter_params.exclude_events: no event is called 'room_start'"));
}

TEST(Webhook, ADepthHasALimit) {
  const auto loaded = LoadLines("webhook: {resource_url_notifier: {max_depth: 10001}}\n");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("max_depth"));
}

}  // namespace
}  // namespace weir::config
