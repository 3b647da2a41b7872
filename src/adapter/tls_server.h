/* tls_server.h - what the server's TLS is: version 1.3, AEAD, (EC)DHE, and whom it lets in. */
#ifndef ADAPTER_TLS_SERVER_H
#define ADAPTER_TLS_SERVER_H

#include <stdbool.h>

#include <gnutls/gnutls.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "base/time.h"

/* For GnuTLS: nothing older than TLS 1.3, whose suites are all AEAD; ephemeral (EC)DHE only. */
extern const char *const TLS_SERVER_PRIORITIES;

enum { TLS_FILE_SIZE_MAX = 1 << 20 };

/* Certificate chain, private key and the authorities of client certificates, as PEM text. */
struct tls_server {
    struct buf certificate;
    struct buf key;
    struct buf client_ca; /* empty: clients need no certificate */
};

/*
 * Reads the files; client_ca_file may be NULL. Key and certificate must belong together.
 * STATUS_NOT_FOUND, STATUS_DENIED (not readable), STATUS_INVALID (not PEM, or not a pair),
 * STATUS_LIMIT (larger than TLS_FILE_SIZE_MAX). On failure nothing is left to free.
 */
enum status tls_server_load(const char *certificate_file, const char *key_file,
                            const char *client_ca_file, struct tls_server *out_tls,
                            struct error *out_error) MUST_CHECK;
/* Wipes the key. Accepts a zeroed struct. */
void tls_server_free(struct tls_server *tls);

/* Until when the first certificate of a PEM file is valid. Fails as tls_server_load(). */
enum status tls_certificate_end(const char *certificate_file, struct wall_time *out_end,
                                struct error *out_error) MUST_CHECK;

/*
 * Prepares the session of a new connection, before its handshake. With require_certificate, the
 * handshake fails unless the client shows a certificate that is valid now, chains to the
 * authorities, and is meant for clients. finished is called at the end of a good handshake, on
 * the thread that runs it.
 */
void tls_server_prepare(gnutls_session_t session, bool require_certificate,
                        gnutls_handshake_hook_func finished);

#endif
