/* tls_probe.h - certificates as they are: of a PEM file, or as a TLS endpoint presents them. */
#ifndef ADAPTER_TLS_PROBE_H
#define ADAPTER_TLS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/time.h"

enum { TLS_PROBE_CERTIFICATES_MAX = 16, TLS_PROBE_SUBJECT_SIZE = 256 };

struct tls_certificate {
    char subject[TLS_PROBE_SUBJECT_SIZE]; /* its distinguished name, cut */
    struct wall_time not_before;
    struct wall_time not_after;
    bool authority; /* it may sign others */
    bool self_signed;
};

struct tls_probe {
    struct tls_certificate certificates[TLS_PROBE_CERTIFICATES_MAX]; /* the leaf first */
    uint32_t count;
    const char *result; /* of a handshake: "ok", "expired", "unknown_issuer", "name", "refused" */
    char detail[160];
};

/* STATUS_NOT_FOUND, STATUS_INVALID: it holds no certificate; STATUS_LIMIT: more than the maximum. */
enum status tls_probe_file(const char *path, struct tls_probe *out_probe, struct error *out_error)
    MUST_CHECK;

/*
 * A handshake with HOST:PORT, verified against trust (a PEM file, or NULL: the system's) and the
 * host's name, within timeout_ms. STATUS_OK whatever came of it: result says. STATUS_INVALID: no
 * HOST:PORT.
 */
enum status tls_probe_endpoint(const char *endpoint, const char *trust, uint32_t timeout_ms,
                               struct tls_probe *out_probe, struct error *out_error) MUST_CHECK;

#endif
