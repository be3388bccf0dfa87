// Stream reset, RFC 6525: our outgoing request, of which one is under way at a time, and the order in which
// the peer's requests are answered. What a reset does to streams is the caller's part.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "sctp/packet.h"

namespace weir::sctp {

class StreamResets {
 public:
  static constexpr size_t kMaxStreamsInRequest = 256;  // 512 bytes: fits every packet.

  void Start(uint32_t local_initial_tsn, uint32_t peer_initial_tsn);

  // Ours. Begin when not busy(); Take gives the request to send when it is due, and arms the timer.
  bool busy() const { return request_.has_value(); }
  void Begin(std::vector<uint16_t> streams, uint32_t last_tsn);
  std::optional<OutgoingResetRequest> Take(base::Timestamp now, base::TimeDelta rto);
  base::Timestamp deadline() const { return deadline_; }
  void OnTimeout();
  struct Finished {
    std::vector<uint16_t> streams;
    bool performed = false;
  };
  // Nothing while the peer asks for patience, or when the response is to no request of ours.
  std::optional<Finished> OnResponse(const ReconfigResponse& response, base::Timestamp now,
                                     base::TimeDelta rto);

  // The peer's. Nothing: the request is new, or was put off ("in progress"), and the caller answers with
  // Answer(). A result: say that again.
  std::optional<ReconfigResult> Check(uint32_t request) const;
  void Answer(uint32_t request, ReconfigResult result);
  uint32_t last_answered() const { return expected_ - 1; }

 private:
  std::optional<OutgoingResetRequest> request_;
  bool due_ = false;
  uint32_t next_request_ = 0;
  base::Timestamp deadline_ = base::Timestamp::Infinity();

  uint32_t expected_ = 0;
  ReconfigResult last_result_ = ReconfigResult::kBadSequenceNumber;
};

}  // namespace weir::sctp
