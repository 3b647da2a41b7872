#include "adapter/tls_probe.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/tcp_connect.h"
#include "base/check.h"

enum { FILE_SIZE_MAX = 1 << 20 };

static struct wall_time time_of(time_t seconds)
{
    struct wall_time at = { 0 };
    if (seconds > 0 && seconds < INT64_MAX / NS_PER_S) at.ns = (int64_t)seconds * NS_PER_S;
    return at;
}

static void certificate_read(gnutls_x509_crt_t from, struct tls_certificate *out)
{
    size_t size = sizeof out->subject;
    memset(out, 0, sizeof *out);
    if (gnutls_x509_crt_get_dn(from, out->subject, &size) != GNUTLS_E_SUCCESS)
        memcpy(out->subject, "?", 2);
    out->not_before = time_of(gnutls_x509_crt_get_activation_time(from));
    out->not_after = time_of(gnutls_x509_crt_get_expiration_time(from));
    out->authority = gnutls_x509_crt_get_ca_status(from, NULL) > 0;
    out->self_signed = gnutls_x509_crt_check_issuer(from, from) != 0;
}

static size_t file_read(const char *path, uint8_t *bytes)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    size_t size = fread(bytes, 1, FILE_SIZE_MAX, file);
    (void)fclose(file); /* only read from */
    return size;
}

static enum status list_read(const gnutls_datum_t *data, const char *path,
                             struct tls_probe *out_probe, struct error *out_error)
{
    gnutls_x509_crt_t list[TLS_PROBE_CERTIFICATES_MAX];
    unsigned count = TLS_PROBE_CERTIFICATES_MAX;
    int code = gnutls_x509_crt_list_import(list, &count, data, GNUTLS_X509_FMT_PEM,
                                           GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (code == GNUTLS_E_SHORT_MEMORY_BUFFER)
        return error_set(out_error, STATUS_LIMIT, "%s has more than %d certificates", path,
                         TLS_PROBE_CERTIFICATES_MAX);
    if (code < 0)
        return error_set(out_error, STATUS_INVALID, "%s holds no certificate: %s", path,
                         gnutls_strerror(code));
    for (unsigned i = 0; i < count; i++) {
        certificate_read(list[i], &out_probe->certificates[out_probe->count++]);
        gnutls_x509_crt_deinit(list[i]);
    }
    return STATUS_OK;
}

enum status tls_probe_file(const char *path, struct tls_probe *out_probe, struct error *out_error)
{
    memset(out_probe, 0, sizeof *out_probe);
    if (access(path, R_OK) != 0)
        return error_set(out_error, STATUS_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
    uint8_t *bytes = malloc(FILE_SIZE_MAX);
    if (bytes == NULL) return error_set(out_error, STATUS_LIMIT, "no memory");
    const gnutls_datum_t data = { bytes, (unsigned)file_read(path, bytes) };
    enum status status = list_read(&data, path, out_probe, out_error);
    free(bytes);
    return status;
}

/* ---- an endpoint ---- */

static const char *verdict_of(unsigned status)
{
    if ((status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED)) != 0) return "expired";
    if ((status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0) return "name";
    return status == 0 ? "ok" : "unknown_issuer";
}

static void chain_read(gnutls_session_t session, struct tls_probe *out_probe)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    for (unsigned i = 0; chain != NULL && i < count && i < TLS_PROBE_CERTIFICATES_MAX; i++) {
        gnutls_x509_crt_t certificate;
        if (gnutls_x509_crt_init(&certificate) != GNUTLS_E_SUCCESS) return;
        if (gnutls_x509_crt_import(certificate, &chain[i], GNUTLS_X509_FMT_DER) >= 0)
            certificate_read(certificate, &out_probe->certificates[out_probe->count++]);
        gnutls_x509_crt_deinit(certificate);
    }
}

static void detail_set(struct tls_probe *probe, const char *text)
{
    int len = snprintf(probe->detail, sizeof probe->detail, "%s", text);
    if (len < 0) probe->detail[0] = '\0';
}

static void handshake(gnutls_session_t session, const char *host, struct tls_probe *out_probe)
{
    int code;
    do code = gnutls_handshake(session);
    while (code < 0 && gnutls_error_is_fatal(code) == 0);
    unsigned status = 0;
    if (code < 0) {
        out_probe->result = "refused";
        detail_set(out_probe, gnutls_strerror(code));
        return;
    }
    chain_read(session, out_probe);
    if (gnutls_certificate_verify_peers3(session, host, &status) < 0) status = GNUTLS_CERT_INVALID;
    out_probe->result = verdict_of(status);
    (void)gnutls_bye(session, GNUTLS_SHUT_WR); /* all that was wanted is there */
}

static void session_run(int file, const char *host, const char *trust, uint32_t timeout_ms,
                        struct tls_probe *out_probe)
{
    gnutls_session_t session = NULL;
    gnutls_certificate_credentials_t credentials = NULL;
    bool good =
        gnutls_certificate_allocate_credentials(&credentials) == GNUTLS_E_SUCCESS &&
        gnutls_init(&session, GNUTLS_CLIENT) == GNUTLS_E_SUCCESS &&
        gnutls_set_default_priority(session) == GNUTLS_E_SUCCESS &&
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials) == GNUTLS_E_SUCCESS;
    if (good) {
        if (trust == NULL)
            (void)gnutls_certificate_set_x509_system_trust(
                credentials); /* none: nothing verifies */
        else
            (void)gnutls_certificate_set_x509_trust_file(credentials, trust, /* the same */
                                                         GNUTLS_X509_FMT_PEM);
        (void)gnutls_server_name_set(session, GNUTLS_NAME_DNS, host, strlen(host)); /* a hint */
        gnutls_transport_set_int(session, file);
        gnutls_handshake_set_timeout(session, timeout_ms);
        handshake(session, host, out_probe);
    }
    if (session != NULL) gnutls_deinit(session);
    if (credentials != NULL) gnutls_certificate_free_credentials(credentials);
}

enum status tls_probe_endpoint(const char *endpoint, const char *trust, uint32_t timeout_ms,
                               struct tls_probe *out_probe, struct error *out_error)
{
    char host[TCP_HOST_SIZE];
    const char *port;
    memset(out_probe, 0, sizeof *out_probe);
    out_probe->result = "refused";
    if (!tcp_endpoint_split(endpoint, host, &port))
        return error_set(out_error, STATUS_INVALID, "'%s' is not HOST:PORT", endpoint);
    int file = tcp_connect(host, port, (int)timeout_ms);
    if (file < 0) {
        detail_set(out_probe, "no connection");
        return STATUS_OK;
    }
    session_run(file, host, trust, timeout_ms, out_probe);
    (void)close(file); /* nothing is expected from it any more */
    return STATUS_OK;
}
