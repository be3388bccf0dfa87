#include "sctp/stream_reset.h"

#include <utility>

namespace weir::sctp {

void StreamResets::Start(uint32_t local_initial_tsn, uint32_t peer_initial_tsn) {
  next_request_ = local_initial_tsn;  // RFC 6525 section 4.1: request numbers start as TSNs do.
  expected_ = peer_initial_tsn;
}

void StreamResets::Begin(std::vector<uint16_t> streams, uint32_t last_tsn) {
  request_ =
      OutgoingResetRequest{.request = next_request_++, .last_tsn = last_tsn, .streams = std::move(streams)};
  due_ = true;
}

std::optional<OutgoingResetRequest> StreamResets::Take(base::Timestamp now, base::TimeDelta rto) {
  if (!due_) {
    return std::nullopt;
  }
  due_ = false;
  deadline_ = now + rto;
  request_->response = last_answered();
  return request_;
}

void StreamResets::OnTimeout() {
  deadline_ = base::Timestamp::Infinity();
  due_ = request_.has_value();
}

std::optional<StreamResets::Finished> StreamResets::OnResponse(const ReconfigResponse& response,
                                                               base::Timestamp now, base::TimeDelta rto) {
  if (!request_ || response.request != request_->request) {
    return std::nullopt;
  }
  switch (response.result) {
    case ReconfigResult::kInProgress:
    case ReconfigResult::kRequestInProgress:
      // Asked again under a new number: older dcSCTP takes a repeated one for done.
      request_->request = next_request_++;
      deadline_ = now + rto;
      return std::nullopt;
    default:
      break;
  }
  const bool performed =
      response.result == ReconfigResult::kPerformed || response.result == ReconfigResult::kNothingToDo;
  Finished finished{std::move(request_->streams), performed};
  request_.reset();
  due_ = false;
  deadline_ = base::Timestamp::Infinity();
  return finished;
}

std::optional<ReconfigResult> StreamResets::Check(uint32_t request) const {
  if (request == expected_) {
    return std::nullopt;
  }
  if (request != last_answered()) {
    return ReconfigResult::kBadSequenceNumber;
  }
  return last_result_ == ReconfigResult::kInProgress ? std::nullopt : std::optional(last_result_);
}

void StreamResets::Answer(uint32_t request, ReconfigResult result) {
  expected_ = request + 1;
  last_result_ = result;
}

}  // namespace weir::sctp
