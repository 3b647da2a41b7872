/* peer_http.h - port/peer.h over libcurl: many calls at once on one thread, kept connections, mTLS. */
#ifndef ADAPTER_PEER_HTTP_H
#define ADAPTER_PEER_HTTP_H

#include "base/error.h"
#include "base/status.h"
#include "base/uuid.h"
#include "crypto/secret.h"
#include "port/peer.h"

/*
 * HTTP/1.1 over connections that are kept. Everything the caller sent goes along but what belongs
 * to its own connection; answers come back with the headers that an API of ours sets.
 *
 * TLS 1.3, both sides with certificates of the cluster; the owner's must bear the host of its url.
 * Plain HTTP only to loopback addresses.
 *
 * A request is written to one connection only: when a kept one dies under it, that is
 * STATUS_IN_DOUBT. A stream is what GET PEER_STREAM_PATH with PEER_STREAM_TYPE asks for: its head comes
 * in the call's time, too, and when nothing comes for silent_s_max it ends. Streams hold up to PEER_STREAM_SIZE_MAX bytes for a slow reader, then the
 * owner waits. The process must not die of SIGPIPE.
 */
#define PEER_STREAM_PATH "/v1/events"
#define PEER_STREAM_TYPE "text/event-stream"

enum {
    PEER_CALLS_MAX = 4096,
    PEER_STREAM_SIZE_MAX = 256 << 10,
    PEER_CONNECT_MS_MAX = 1000,
    PEER_CONNECTIONS_MAX = 512, /* kept when nobody uses them; calls have as many as they need */
};

struct peer_http_options {
    const char *ca_file; /* PEM, all three, or all NULL: plain */
    const char *certificate_file;
    const char *key_file;
    struct uuid ledger; /* each call names it; nil: none does */
    const struct secret
        *secret;           /* visible letters, shown to owners; NULL: none; outlives the peer */
    uint32_t silent_s_max; /* of a stream: longer than owners wait with a sign of life */
};

/* STATUS_INVALID: a file that cannot be read. STATUS_UNAVAILABLE: memory, or no thread. */
enum status peer_http_open(const struct peer_http_options *options, struct peer **out_peer,
                           struct error *out_error) MUST_CHECK;

#endif
