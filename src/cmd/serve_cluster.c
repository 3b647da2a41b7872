#include "cmd/serve_cluster.h"

#include <ctype.h>
#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/peer_http.h"
#include "adapter/secret_file.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "adapter/thread_sync.h"
#include "base/check.h"

enum {
    LEASE_MS_MIN = 500,
    LEASE_MS_MAX = 60000,
    MARGIN_SHARE = 8,
    RENEW_SHARE = 5,
    HEARTBEATS_LOST = 4,
    SECRET_LEN_MIN = 16
};

struct peer_files {
    const char *ca;
    const char *certificate;
    const char *key;
};

static struct peer_files files_of(const struct invocation *invocation)
{
    return (struct peer_files){ invocation_text(invocation, "peer-ca"),
                                invocation_text(invocation, "peer-cert"),
                                invocation_text(invocation, "peer-key") };
}

static bool is_plain(const struct peer_files *files)
{
    return files->ca == NULL && files->certificate == NULL && files->key == NULL;
}

static bool name_is_good(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);
    return len > 0 && len < LEASE_NAME_SIZE && strspn(name, letters) == len;
}

/* As a peer is reached: a scheme, a host and perhaps a port, and nothing after them. */
static bool url_is_good(const char *url, bool plain)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
    const char *scheme = plain ? "http://" : "https://";
    size_t scheme_len = strlen(scheme);
    if (strncmp(url, scheme, scheme_len) != 0) return false;
    size_t len = strlen(url + scheme_len);
    return len > 0 && url[scheme_len] != ':' && strspn(url + scheme_len, letters) == len;
}

static enum status advertise_check(const struct invocation *invocation, bool plain,
                                   struct error *out_error)
{
    const char *url = invocation_text(invocation, "advertise");
    if (url == NULL) return STATUS_OK;
    if (strlen(url) >= LEASE_URL_SIZE) {
        return error_set(out_error, STATUS_INVALID, "--advertise: the URL is too long");
    }
    if (url_is_good(url, plain)) return STATUS_OK;
    (void)error_set(out_error, STATUS_INVALID, "--advertise '%s' is no URL of a peer", url);
    error_hint(out_error, plain ? "http://HOST:PORT, since there is no --peer-cert"
                                : "https://HOST:PORT, with the host of --peer-cert");
    return STATUS_INVALID;
}

/* Who forgot --cluster would otherwise have a server alone, and believe to have a replica. */
static enum status alone_check(const struct invocation *invocation, struct error *out_error)
{
    static const char *const names[] = { "replica-name", "peer-listen", "advertise",   "peer-ca",
                                         "peer-cert",    "peer-key",    "peer-secret", "lease-ms" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!invocation_has(invocation, names[i])) continue;
        (void)error_set(out_error, STATUS_INVALID, "--%s is for replicas, and --cluster is missing",
                        names[i]);
        error_hint(out_error, "give --cluster too, or leave it out: a server alone has no peers");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

static enum status options_check(const struct invocation *invocation, struct error *out_error)
{
    const char *name = invocation_text(invocation, "replica-name");
    struct peer_files files = files_of(invocation);
    bool whole = files.ca != NULL && files.certificate != NULL && files.key != NULL;
    if (name == NULL || !name_is_good(name)) {
        (void)error_set(out_error, STATUS_INVALID,
                        "--cluster wants --replica-name: letters, digits, '.', '_' and '-'");
        error_hint(out_error,
                   "a name that no other replica of this ledger has, of %d letters at "
                   "most: --replica-name a",
                   LEASE_NAME_SIZE - 1);
        return STATUS_INVALID;
    }
    if (!is_plain(&files) && !whole) {
        (void)error_set(out_error, STATUS_INVALID,
                        "--peer-ca, --peer-cert and --peer-key belong together");
        error_hint(out_error, "give all three; how to make them: docs/scale.md, Certificates of "
                              "peers");
        return STATUS_INVALID;
    }
    if (!whole && !invocation_has(invocation, "peer-secret")) {
        (void)error_set(
            out_error, STATUS_INVALID,
            "--cluster wants to know who a peer is: --peer-ca, --peer-cert and --peer-key");
        error_hint(out_error, "or, for replicas on one machine, --peer-secret FILE");
        return STATUS_INVALID;
    }
    return advertise_check(invocation, is_plain(&files), out_error);
}

/* A line of visible letters. */
static enum status secret_read(const struct invocation *invocation, struct secret *out_secret,
                               struct error *out_error)
{
    const char *path = invocation_text(invocation, "peer-secret");
    char text[SECRET_SIZE_MAX];
    size_t size = 0;
    if (path == NULL) return STATUS_OK;
    enum status status = secret_file_read(path, text, sizeof text, &size, out_error);
    if (status != STATUS_OK) return status;
    while (size > 0 && isspace((unsigned char)text[size - 1])) size--;
    bool visible = size >= SECRET_LEN_MIN;
    for (size_t i = 0; i < size; i++) visible = visible && isgraph((unsigned char)text[i]);
    status = secret_take(text, size, out_secret);
    CHECK(status == STATUS_OK); /* it fits */
    if (visible) return STATUS_OK;
    (void)error_set(out_error, STATUS_INVALID, "'%s' is no secret: one line of %d letters or more",
                    path, SECRET_LEN_MIN);
    error_hint(out_error, "openssl rand -hex 32 makes one");
    return STATUS_INVALID;
}

static struct lease_terms terms_of(uint64_t ttl_ms)
{
    struct lease_terms terms = LEASE_TERMS_DEFAULT;
    terms.ttl_ms = (uint32_t)ttl_ms;
    terms.margin_ms = terms.ttl_ms / MARGIN_SHARE;
    terms.renew_ms = terms.ttl_ms / RENEW_SHARE;
    return terms;
}

static enum status peer_open(const struct invocation *invocation, struct tracer *tracer,
                             struct serve_cluster *cluster, struct error *out_error)
{
    struct peer_files files = files_of(invocation);
    struct uuid ledger = { 0 };
    uint64_t heartbeat_s = 0;
    enum status status = data_folder_read_ledger(invocation->data, &ledger, out_error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "heartbeat-s",
                                   (struct number_range){ 1, SERVE_HEARTBEAT_S_MAX }, &heartbeat_s,
                                   out_error);
    if (status != STATUS_OK) return status;
    const struct secret *shown = cluster->secret.size == 0 ? NULL : &cluster->secret;
    const struct peer_http_options peer = {
        .ca_file = files.ca,
        .certificate_file = files.certificate,
        .key_file = files.key,
        .ledger = ledger,
        .secret = shown,
        .silent_s_max = (uint32_t)heartbeat_s * HEARTBEATS_LOST,
    };
    status = peer_http_open(&peer, &cluster->peer, out_error);
    if (status != STATUS_OK) return status;
    const struct front_options front = {
        .route = replica_set_route(cluster->replicas),
        .peer = cluster->peer,
        .sync = thread_sync(),
        .clock = system_clock(),
        .entropy = system_entropy(),
        .tracer = tracer,
        .ledger = ledger,
        .peer_secret = shown,
        .lanes = replica_set_lanes(cluster->replicas),
    };
    return front_new(&front, &cluster->front, out_error);
}

enum status serve_cluster_open(const struct invocation *invocation,
                               const struct replica_set_options *options, struct tracer *tracer,
                               struct serve_cluster *out_cluster, struct error *out_error)
{
    *out_cluster = (struct serve_cluster){ 0 };
    if (!invocation_has(invocation, "cluster")) return alone_check(invocation, out_error);
    enum status status = options_check(invocation, out_error);
    if (status == STATUS_OK) status = secret_read(invocation, &out_cluster->secret, out_error);
    uint64_t lease_ms = LEASE_TERMS_DEFAULT.ttl_ms;
    if (status == STATUS_OK) {
        status = invocation_number(invocation, "lease-ms",
                                   (struct number_range){ LEASE_MS_MIN, LEASE_MS_MAX }, &lease_ms,
                                   out_error);
    }
    if (status != STATUS_OK) return status;
    struct lease_terms terms = terms_of(lease_ms);
    struct replica_set_options replicas = *options;
    replicas.terms = &terms;
    replicas.name = invocation_text(invocation, "replica-name");
    status = replica_set_open(&replicas, &out_cluster->replicas, out_error);
    if (status == STATUS_OK) status = peer_open(invocation, tracer, out_cluster, out_error);
    return status;
}

static enum status listener_open(struct serve_cluster *cluster, const struct invocation *invocation,
                                 const struct http_server_options *like, struct error *out_error)
{
    struct peer_files files = files_of(invocation);
    struct http_server_options options = *like;
    options.service = front_peer_service(cluster->front);
    options.listen = invocation_text(invocation, "peer-listen");
    options.plain = is_plain(&files);
    options.tls_certificate_file = files.certificate;
    options.tls_key_file = files.key;
    options.tls_client_ca_file = files.ca;
    options.socket_path = NULL;
    return http_server_open(&options, &cluster->listener, out_error);
}

enum status serve_cluster_start(struct serve_cluster *cluster, const struct invocation *invocation,
                                const struct http_server_options *like,
                                const struct host_options *host, struct error *out_error)
{
    CHECK(cluster->replicas != NULL);
    enum status status = listener_open(cluster, invocation, like, out_error);
    if (status != STATUS_OK) return status;
    struct peer_files files = files_of(invocation);
    BUF_SCOPE struct buf url;
    buf_init(&url, LEASE_URL_SIZE - 1);
    const char *given = invocation_text(invocation, "advertise");
    if (given != NULL) buf_append_str(&url, str_from(given));
    if (given == NULL) {
        buf_append_format(&url, "http%s://%s", is_plain(&files) ? "" : "s",
                          http_server_address(cluster->listener));
    }
    const struct replica_start_options start = {
        .host = host,
        .front = cluster->front,
        .url = buf_terminated(&url),
    };
    return replica_set_start(cluster->replicas, &start, out_error);
}

void serve_cluster_close(struct serve_cluster *cluster)
{
    http_server_close(cluster->listener);
    if (cluster->replicas != NULL) replica_set_stop(cluster->replicas);
    front_free(cluster->front);
    replica_set_close(cluster->replicas);
    if (cluster->peer != NULL) cluster->peer->close(cluster->peer);
    secret_done(&cluster->secret);
    *cluster = (struct serve_cluster){ 0 };
}
