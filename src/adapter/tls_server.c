/* The HTTP library only asks for client certificates; that they are checked is done here. */
#include "adapter/tls_server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <gnutls/x509.h>

#include "base/check.h"

/* AES-128 first: with AES-NI the fastest, and as safe as the rest. No PSK: no session is
 * resumed, so every connection has fresh (EC)DHE keys. */
const char *const TLS_SERVER_PRIORITIES =
    "NONE:+VERS-TLS1.3:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:"
    "+ECDHE-RSA:+ECDHE-ECDSA:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
    "+SIGN-ALL:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:+COMP-NULL:+CTYPE-SRV-X509:+CTYPE-CLI-X509:"
    "%SERVER_PRECEDENCE:%DISABLE_SAFE_RENEGOTIATION";

enum { TLS_FILE_ROOM = 64 << 10 };

static enum status file_failed(const char *path, int error, struct error *out_error)
{
    enum status status = error == ENOENT ? STATUS_NOT_FOUND : status_of_errno(error);
    return error_set(out_error, status, "cannot read %s: %s", path, strerror(error));
}

static enum status file_read(const char *path, struct buf *out_text, struct error *out_error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return file_failed(path, errno, out_error);
    /* Room from the start: a buffer that grew would leave a part of the key behind. */
    if (buf_extend(out_text, TLS_FILE_ROOM) != NULL) buf_reset(out_text);
    char chunk[4096];
    ssize_t got;
    do {
        got = read(fd, chunk, sizeof chunk);
        if (got > 0) buf_append(out_text, chunk, (size_t)got);
    } while (got > 0 || (got < 0 && errno == EINTR));
    int error = got < 0 ? errno : 0;
    explicit_bzero(chunk, sizeof chunk); /* it may have been the key */
    (void)close(fd);                     /* nothing was written to it */
    if (error != 0) return file_failed(path, error, out_error);
    if (buf_status(out_text) != STATUS_OK) {
        return error_set(out_error, STATUS_LIMIT, "%s has more than %d bytes", path,
                         (int)TLS_FILE_SIZE_MAX);
    }
    (void)buf_terminated(out_text); /* the library takes terminated text */
    return STATUS_OK;
}

static gnutls_datum_t datum_of(const struct buf *text)
{
    return (gnutls_datum_t){ .data = text->data, .size = (unsigned)text->len };
}

/* What the library would find out only when the first client comes. */
static enum status material_check(const struct tls_server *tls, const char *certificate_file,
                                  const char *client_ca_file, struct error *out_error)
{
    gnutls_certificate_credentials_t credentials;
    int error = gnutls_certificate_allocate_credentials(&credentials);
    if (error < 0) {
        return error_set(out_error, STATUS_UNAVAILABLE, "TLS: %s", gnutls_strerror(error));
    }
    enum status status = STATUS_OK;
    gnutls_datum_t certificate = datum_of(&tls->certificate);
    gnutls_datum_t key = datum_of(&tls->key);
    error =
        gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
    if (error < 0) {
        status = error_set(out_error, STATUS_INVALID, "%s and its key cannot be used: %s",
                           certificate_file, gnutls_strerror(error));
        error_hint(out_error, "both are PEM files, and the key is the certificate's own");
    }
    if (status == STATUS_OK && tls->client_ca.len > 0) {
        gnutls_datum_t authorities = datum_of(&tls->client_ca);
        error =
            gnutls_certificate_set_x509_trust_mem(credentials, &authorities, GNUTLS_X509_FMT_PEM);
        if (error <= 0) {
            status = error_set(out_error, STATUS_INVALID, "%s holds no certificate: %s",
                               client_ca_file, error < 0 ? gnutls_strerror(error) : "empty");
        }
    }
    gnutls_certificate_free_credentials(credentials);
    return status;
}

enum status tls_server_load(const char *certificate_file, const char *key_file,
                            const char *client_ca_file, struct tls_server *out_tls,
                            struct error *out_error)
{
    CHECK(certificate_file != NULL);
    CHECK(key_file != NULL);
    CHECK(out_tls != NULL);
    struct tls_server tls = { 0 };
    buf_init(&tls.certificate, TLS_FILE_SIZE_MAX);
    buf_init(&tls.key, TLS_FILE_SIZE_MAX);
    buf_init(&tls.client_ca, TLS_FILE_SIZE_MAX);
    enum status status = file_read(certificate_file, &tls.certificate, out_error);
    if (status == STATUS_OK) status = file_read(key_file, &tls.key, out_error);
    if (status == STATUS_OK && client_ca_file != NULL) {
        status = file_read(client_ca_file, &tls.client_ca, out_error);
        if (status == STATUS_OK && tls.client_ca.len == 0) {
            status = error_set(out_error, STATUS_INVALID, "%s is empty", client_ca_file);
        }
    }
    if (status == STATUS_OK)
        status = material_check(&tls, certificate_file, client_ca_file, out_error);
    if (status != STATUS_OK) {
        tls_server_free(&tls);
        return status;
    }
    *out_tls = tls;
    return STATUS_OK;
}

enum status tls_certificate_end(const char *certificate_file, struct wall_time *out_end,
                                struct error *out_error)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, TLS_FILE_SIZE_MAX);
    enum status status = file_read(certificate_file, &text, out_error);
    if (status != STATUS_OK) return status;
    gnutls_x509_crt_t certificate;
    int error = gnutls_x509_crt_init(&certificate);
    if (error < 0) {
        return error_set(out_error, STATUS_UNAVAILABLE, "TLS: %s", gnutls_strerror(error));
    }
    gnutls_datum_t datum = datum_of(&text);
    error = gnutls_x509_crt_import(certificate, &datum, GNUTLS_X509_FMT_PEM);
    time_t end = error < 0 ? -1 : gnutls_x509_crt_get_expiration_time(certificate);
    gnutls_x509_crt_deinit(certificate);
    if (end < 0) {
        return error_set(out_error, STATUS_INVALID, "%s holds no certificate", certificate_file);
    }
    /* One without an end is as good as one that outlives the clock. */
    out_end->ns = end > INT64_MAX / NS_PER_S ? INT64_MAX : (int64_t)end * NS_PER_S;
    return STATUS_OK;
}

void tls_server_free(struct tls_server *tls)
{
    if (tls->key.data != NULL) explicit_bzero(tls->key.data, tls->key.capacity);
    buf_free(&tls->key);
    buf_free(&tls->certificate);
    buf_free(&tls->client_ca);
}

/* Anything but 0 ends the handshake with an alert. */
static int client_verify(gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = {
        .type = GNUTLS_DT_KEY_PURPOSE_OID,
        .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT,
    };
    unsigned problems = 0;
    int error = gnutls_certificate_verify_peers(session, &purpose, 1, &problems);
    return error == 0 && problems == 0 ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

void tls_server_prepare(gnutls_session_t session, bool require_certificate,
                        gnutls_handshake_hook_func finished)
{
    CHECK(session != NULL);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                       finished);
    if (!require_certificate) return;
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_verify_function(session, client_verify);
}
