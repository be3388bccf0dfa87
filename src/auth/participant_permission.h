// A token's grant and what clients are told of it (ParticipantPermission): the same thing in two forms.
#pragma once

#include "auth/token.h"
#include "proto/livekit_models.pb.h"

namespace weir::auth {

livekit::ParticipantPermission PermissionFromGrant(const VideoGrant& grant);
// Writes a permission into the grant, so that a token made from it says the same.
void ApplyPermission(const livekit::ParticipantPermission& permission, VideoGrant& grant);

}  // namespace weir::auth
