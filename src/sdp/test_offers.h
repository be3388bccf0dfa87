// Offers in the shape that endpoints write them, for the tests of this module.
#pragma once

#include <string>
#include <string_view>

namespace weir::sdp {

// The raw literals below have bare line feeds; on the wire lines end with CRLF.
inline std::string WithCrlf(std::string_view text) {
  std::string lines;
  for (const char c : text.substr(text.starts_with('\n') ? 1 : 0)) {
    lines += c == '\n' ? "\r\n" : std::string(1, c);
  }
  return lines;
}

// Chromium, publisher: microphone with RED, camera with three rids, data.
inline std::string ChromiumSimulcastOffer() {
  return WithCrlf(R"(
v=0
o=- 7434539829374829384 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=extmap-allow-mixed
a=msid-semantic: WMS 5d9c3f6e-1a2b-4c3d-8e4f-5a6b7c8d9e0f
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:Xk4f
a=ice-pwd:q9Zr8e3Wm1nB7vC5xL2kJ4hG
a=ice-options:trickle
a=fingerprint:sha-256 11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=msid:5d9c3f6e-1a2b-4c3d-8e4f-5a6b7c8d9e0f a1b2c3d4-0000-4000-8000-000000000001
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=rtcp-fb:111 nack
a=fmtp:111 minptime=10;useinbandfec=1;stereo=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:1376254981 cname:Pq8sT2uV4wX6yZ0a
a=ssrc:1376254981 msid:5d9c3f6e-1a2b-4c3d-8e4f-5a6b7c8d9e0f a1b2c3d4-0000-4000-8000-000000000001
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 39 40 98 99 45 46
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:Xk4f
a=ice-pwd:q9Zr8e3Wm1nB7vC5xL2kJ4hG
a=ice-options:trickle
a=fingerprint:sha-256 11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00
a=setup:actpass
a=mid:1
a=extmap:14 urn:ietf:params:rtp-hdrext:toffset
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:13 urn:3gpp:video-orientation
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension
a=sendonly
a=msid:5d9c3f6e-1a2b-4c3d-8e4f-5a6b7c8d9e0f a1b2c3d4-0000-4000-8000-000000000002
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=fmtp:96 x-google-start-bitrate=1190
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:103 H264/90000
a=rtcp-fb:103 goog-remb
a=rtcp-fb:103 transport-cc
a=rtcp-fb:103 ccm fir
a=rtcp-fb:103 nack
a=rtcp-fb:103 nack pli
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
a=rtpmap:39 AV1/90000
a=rtcp-fb:39 nack
a=rtcp-fb:39 nack pli
a=fmtp:39 level-idx=5;profile=0;tier=0
a=rtpmap:40 rtx/90000
a=fmtp:40 apt=39
a=rtpmap:98 VP9/90000
a=rtcp-fb:98 nack
a=rtcp-fb:98 nack pli
a=fmtp:98 profile-id=0
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
a=rtpmap:45 red/90000
a=rtpmap:46 ulpfec/90000
a=rid:q send
a=rid:h send
a=rid:f send
a=simulcast:send q;h;f
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:Xk4f
a=ice-pwd:q9Zr8e3Wm1nB7vC5xL2kJ4hG
a=ice-options:trickle
a=fingerprint:sha-256 11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00
a=setup:actpass
a=mid:2
a=sctp-port:5000
a=max-message-size:262144
)");
}

// One section of the offer that a single-connection client sends with its join.
inline std::string ChromiumReceiveSection(std::string_view kind, int mid) {
  const bool audio = kind == "audio";
  return "m=" + std::string(kind) + " 9 UDP/TLS/RTP/SAVPF " + (audio ? "111 63" : "96 97") +
         "\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:Jn2q\r\n"
         "a=ice-pwd:Ab3De6Gh9Jk2Mn5Pq8St1Vw4\r\na=ice-options:trickle\r\n"
         "a=fingerprint:sha-256 00:01:02:03\r\na=setup:actpass\r\na=mid:" +
         std::to_string(mid) + "\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=recvonly\r\n" +
         "a=rtcp-mux\r\na=rtcp-rsize\r\n" +
         (audio
              ? "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
                "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
              : "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 "
                "apt=96\r\n");
}

// Chromium, one connection for everything: data first, then three audio and three video sections to receive
// in.
inline std::string ChromiumSingleConnectionOffer() {
  std::string offer = WithCrlf(R"(
v=0
o=- 1837465019283746501 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2 3 4 5 6
a=extmap-allow-mixed
a=msid-semantic: WMS
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:Jn2q
a=ice-pwd:Ab3De6Gh9Jk2Mn5Pq8St1Vw4
a=ice-options:trickle
a=fingerprint:sha-256 00:01:02:03
a=setup:actpass
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
)");
  for (int i = 0; i < 3; ++i) {
    offer += ChromiumReceiveSection("audio", 1 + i);
  }
  for (int i = 0; i < 3; ++i) {
    offer += ChromiumReceiveSection("video", 4 + i);
  }
  return offer;
}

// Firefox: fingerprint and ice-options at session level, ids in braces, mDNS candidates, rids of the draft's
// time.
inline std::string FirefoxOffer() {
  return WithCrlf(R"(
v=0
o=mozilla...THIS_IS_SDPARTA-140.0 4294967296123456789 0 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99
a=group:BUNDLE 0 1 2
a=ice-options:trickle
a=msid-semantic:WMS *
m=audio 49203 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 192.0.2.7
a=candidate:0 1 UDP 2122252543 2f1c9a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b.local 49203 typ host
a=candidate:2 1 TCP 2105524479 2f1c9a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b.local 9 typ host tcptype active
a=candidate:1 1 UDP 1686052863 192.0.2.7 49203 typ srflx raddr 0.0.0.0 rport 0
a=sendrecv
a=end-of-candidates
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
a=fmtp:101 0-15
a=ice-pwd:0123456789abcdef0123456789abcdef
a=ice-ufrag:89abcdef
a=mid:0
a=msid:{7b1e4d2c-1111-4222-8333-944455566677} {0c9d8e7f-aaaa-4bbb-8ccc-9dddeeefff00}
a=rtcp-mux
a=rtpmap:109 opus/48000/2
a=rtpmap:9 G722/8000/1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000/1
a=setup:actpass
a=ssrc:3735928559 cname:{9f8e7d6c-5b4a-4938-a271-605f4e3d2c1b}
m=video 0 UDP/TLS/RTP/SAVPF 120 124 121 125
c=IN IP4 0.0.0.0
a=bundle-only
a=sendonly
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:7 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=fmtp:120 max-fs=12288;max-fr=60
a=fmtp:124 apt=120
a=fmtp:121 max-fs=12288;max-fr=60
a=fmtp:125 apt=121
a=ice-pwd:0123456789abcdef0123456789abcdef
a=ice-ufrag:89abcdef
a=mid:1
a=msid:{7b1e4d2c-1111-4222-8333-944455566677} {0c9d8e7f-aaaa-4bbb-8ccc-9dddeeefff01}
a=rid:q send
a=rid:h send max-width=640;max-height=360
a=rid:f send
a=rtcp-fb:120 nack
a=rtcp-fb:120 nack pli
a=rtcp-fb:120 ccm fir
a=rtcp-fb:120 goog-remb
a=rtcp-fb:120 transport-cc
a=rtcp-fb:121 nack
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:120 VP8/90000
a=rtpmap:124 rtx/90000
a=rtpmap:121 VP9/90000
a=rtpmap:125 rtx/90000
a=setup:actpass
a=simulcast:send q;~h;f
a=ssrc:286331153 cname:{9f8e7d6c-5b4a-4938-a271-605f4e3d2c1b}
a=ssrc:572662306 cname:{9f8e7d6c-5b4a-4938-a271-605f4e3d2c1b}
a=ssrc-group:FID 286331153 572662306
m=application 0 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=bundle-only
a=sendrecv
a=ice-pwd:0123456789abcdef0123456789abcdef
a=ice-ufrag:89abcdef
a=mid:2
a=setup:actpass
a=sctp-port:5000
a=max-message-size:1073741823
)");
}

// Pion: fingerprint at session level, candidates without IPv6 scope, no extmap-allow-mixed below the session.
inline std::string PionOffer() {
  return WithCrlf(R"(
v=0
o=- 5577006791947779410 1700000000 IN IP4 0.0.0.0
s=-
t=0 0
a=msid-semantic:WMS *
a=fingerprint:sha-256 0F:0E:0D:0C:0B:0A:09:08:07:06:05:04:03:02:01:00:0F:0E:0D:0C:0B:0A:09:08:07:06:05:04:03:02:01:00
a=extmap-allow-mixed
a=group:BUNDLE 0 1
m=video 9 UDP/TLS/RTP/SAVPF 96 97 125
c=IN IP4 0.0.0.0
a=setup:actpass
a=mid:0
a=ice-ufrag:hQdXmJwVbKfYcGtL
a=ice-pwd:aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeF
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 ccm fir 
a=rtcp-fb:96 nack 
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:125 H264/90000
a=fmtp:125 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
a=ssrc-group:FID 1111111111 2222222222
a=ssrc:1111111111 cname:camera
a=ssrc:1111111111 msid:camera TR_video
a=ssrc:1111111111 mslabel:camera
a=ssrc:1111111111 label:TR_video
a=ssrc:2222222222 cname:camera
a=ssrc:2222222222 msid:camera TR_video
a=msid:camera TR_video
a=sendrecv
a=candidate:1966762134 1 udp 2130706431 192.0.2.20 51234 typ host ufrag hQdXmJwVbKfYcGtL
a=end-of-candidates
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=setup:actpass
a=mid:1
a=sendrecv
a=sctp-port:5000
a=max-message-size:65536
a=ice-ufrag:hQdXmJwVbKfYcGtL
a=ice-pwd:aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeF
)");
}

}  // namespace weir::sdp
