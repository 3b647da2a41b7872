/*
 * Goal: a server whose failures are chosen by the test, for what calls the outside.
 * Method: a thread for each connection; what waits, waits in poll() and hears the end.
 */
#include "tests/port/fault_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/buf.h"

enum { REQUESTS_KEPT = 64, REQUEST_SIZE_MAX = 1 << 20, PATH_SIZE = 256, CONNECTIONS_MAX = 2048 };

struct connection {
    struct fault_server *server;
    pthread_t thread;
    int socket;
    SSL *tls;
};

struct fault_server {
    struct server_options options;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t acceptor;
    int listener;
    int stop[2]; /* a pipe: its end is heard by everybody */
    SSL_CTX *tls;
    struct connection connections[CONNECTIONS_MAX];
    uint32_t connection_count;
    uint32_t request_count;
    struct buf requests[REQUESTS_KEPT];
    char url[PATH_SIZE];
    char ca_file[PATH_SIZE];
};

/* ---- TLS ---- */

static X509 *certificate_make(EVP_PKEY *key, enum server_certificate kind)
{
    X509 *certificate = X509_new();
    assert_non_null(certificate);
    assert_int_equal(X509_set_version(certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
    long from_s = kind == SERVER_EXPIRED ? -30L * 86400 : -86400L;
    long to_s = kind == SERVER_EXPIRED ? -86400L : 86400L;
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), to_s));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    X509_NAME *name = X509_get_subject_name(certificate);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"test", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(certificate, name), 1);
    const char *names = kind == SERVER_OTHER_NAME ? "DNS:other.example" : "DNS:localhost";
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void tls_open(struct fault_server *server)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    X509 *certificate = certificate_make(key, server->options.certificate);
    const char *folder = getenv("TMPDIR");
    int len = snprintf(server->ca_file, sizeof server->ca_file, "%s/ca.%d.XXXXXX",
                       folder != NULL ? folder : "/tmp", (int)getpid());
    assert_true(len > 0 && len < PATH_SIZE);
    int fd = mkstemp(server->ca_file);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    assert_int_equal(fclose(file), 0);
    server->tls = SSL_CTX_new(TLS_server_method());
    assert_non_null(server->tls);
    assert_int_equal(SSL_CTX_use_certificate(server->tls, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server->tls, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* ---- Bytes ---- */

/* False: the peer has gone, or the server ends. */
static bool wait_readable(struct connection *connection)
{
    if (connection->tls != NULL && SSL_pending(connection->tls) > 0) return true;
    struct pollfd fds[] = { { .fd = connection->socket, .events = POLLIN },
                            { .fd = connection->server->stop[0], .events = POLLIN } };
    return poll(fds, 2, -1) > 0 && fds[1].revents == 0;
}

static ptrdiff_t bytes_read(struct connection *connection, char *data, size_t size)
{
    if (!wait_readable(connection)) return 0;
    if (connection->tls != NULL) return SSL_read(connection->tls, data, (int)size);
    return recv(connection->socket, data, size, 0);
}

static bool bytes_write(struct connection *connection, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ptrdiff_t done = connection->tls != NULL ? SSL_write(connection->tls, at, (int)size)
                                                 : send(connection->socket, at, size, MSG_NOSIGNAL);
        if (done <= 0) return false;
        at += done;
        size -= (size_t)done;
    }
    return true;
}

/* Where the body begins; 0: the head is not whole. */
static size_t head_size(struct str text)
{
    for (size_t i = 4; i <= text.len; i++) {
        if (memcmp(text.data + i - 4, "\r\n\r\n", 4) == 0) return i;
    }
    return 0;
}

static size_t body_size(struct str head)
{
    static const char name[] = "\r\nContent-Length:";
    for (size_t i = 0; i + sizeof name < head.len; i++) {
        if (strncasecmp(head.data + i, name, sizeof name - 1) == 0)
            return strtoul(head.data + i + sizeof name - 1, NULL, 10);
    }
    return 0;
}

static bool request_read(struct connection *connection, struct buf *request)
{
    char data[16384];
    buf_reset(request);
    for (;;) {
        size_t head = head_size(buf_view(request));
        if (head > 0 &&
            request->len >= head + body_size((struct str){ (char *)request->data, head }))
            return true;
        ptrdiff_t size = bytes_read(connection, data, sizeof data);
        if (size <= 0) return false;
        buf_append(request, data, (size_t)size);
        assert_int_equal(buf_status(request), STATUS_OK);
    }
}

/* ---- Answers ---- */

static void answer_make(const struct server_step *step, bool with_length, struct buf *answer)
{
    size_t size = step->body != NULL ? strlen(step->body) : 0;
    size_t filled = step->body_size > size ? step->body_size : size;
    buf_append_format(answer, "HTTP/1.1 %u Said\r\n", step->status > 0 ? step->status : 200);
    if (with_length) buf_append_format(answer, "Content-Length: %zu\r\n", filled);
    if (step->header != NULL) buf_append_str(answer, str_from(step->header));
    buf_append_str(answer, STR("\r\n"));
    if (size > 0) buf_append(answer, step->body, size);
    if (filled == size) return;
    void *rest = buf_extend(answer, filled - size);
    assert_non_null(rest);
    memset(rest, ' ', filled - size);
}

static bool trickle(struct connection *connection, struct str answer)
{
    for (size_t i = 0; i < answer.len; i++) {
        if (!bytes_write(connection, answer.data + i, 1)) return false;
        struct pollfd fds[] = { { .fd = connection->socket, .events = POLLIN },
                                { .fd = connection->server->stop[0], .events = POLLIN } };
        if (poll(fds, 2, 1000) != 0) return false;
    }
    return true;
}

static bool head_without_end(struct connection *connection)
{
    static const char start[] = "HTTP/1.1 200 Said\r\n";
    static const char line[] = "X-More: 0123456789012345678901234567890123456789\r\n";
    bool written = bytes_write(connection, start, sizeof start - 1);
    while (written) written = bytes_write(connection, line, sizeof line - 1);
    return false;
}

/* True: the connection stays. */
static bool answer_write(struct connection *connection, const struct server_step *step)
{
    struct buf answer;
    buf_init(&answer, 32 << 20);
    answer_make(step, step->act != SERVER_ENDS_BODY, &answer);
    struct str text = buf_view(&answer);
    bool stays = false;
    switch (step->act) {
    case SERVER_ANSWERS: stays = bytes_write(connection, text.data, text.len); break;
    case SERVER_SAYS_GARBAGE:
        (void)bytes_write(connection, "\x16\x03garbage\n\n\n", 12); /* nobody relies on it */
        break;
    case SERVER_TRICKLES: stays = trickle(connection, text); break;
    case SERVER_CUTS_HEAD:
        (void)bytes_write(connection, text.data, head_size(text) - 3); /* nobody relies on it */
        break;
    case SERVER_CUTS_BODY:
        (void)bytes_write(connection, text.data, text.len - 2); /* nobody relies on it */
        break;
    case SERVER_ENDS_BODY:
        (void)bytes_write(connection, text.data, text.len); /* nobody relies on it */
        break;
    case SERVER_NEVER_ENDS: stays = head_without_end(connection); break;
    case SERVER_IS_SILENT: {
        char byte;
        stays = bytes_read(connection, &byte, 1) > 0;
        break;
    }
    case SERVER_REFUSES_ALL:
    case SERVER_HANGS_UP: break;
    }
    buf_free(&answer);
    return stays;
}

static const struct server_step *step_take(struct fault_server *server, const struct buf *request)
{
    pthread_mutex_lock(&server->mutex);
    uint32_t number = server->request_count++;
    if (number < REQUESTS_KEPT) {
        buf_init(&server->requests[number], REQUEST_SIZE_MAX);
        buf_append(&server->requests[number], request->data, request->len);
    }
    pthread_cond_broadcast(&server->changed);
    while (server->request_count < server->options.gather)
        pthread_cond_wait(&server->changed, &server->mutex);
    pthread_mutex_unlock(&server->mutex);
    uint32_t last = server->options.step_count - 1;
    return &server->options.steps[number < last ? number : last];
}

static bool connection_begins(struct connection *connection)
{
    struct fault_server *server = connection->server;
    if (server->options.steps[0].act == SERVER_REFUSES_ALL) return false;
    if (server->tls == NULL) return true;
    connection->tls = SSL_new(server->tls);
    assert_non_null(connection->tls);
    assert_int_equal(SSL_set_fd(connection->tls, connection->socket), 1);
    return SSL_accept(connection->tls) == 1;
}

static void *connection_main(void *argument)
{
    struct connection *connection = argument;
    struct buf request;
    buf_init(&request, REQUEST_SIZE_MAX);
    bool stays = connection_begins(connection);
    while (stays && request_read(connection, &request))
        stays = answer_write(connection, step_take(connection->server, &request));
    buf_free(&request);
    SSL_free(connection->tls);
    (void)shutdown(connection->socket, SHUT_RDWR); /* the descriptor is closed at the end */
    return NULL;
}

/* ---- The server ---- */

static void *acceptor_main(void *argument)
{
    struct fault_server *server = argument;
    for (;;) {
        struct pollfd fds[] = { { .fd = server->listener, .events = POLLIN },
                                { .fd = server->stop[0], .events = POLLIN } };
        if (poll(fds, 2, -1) < 0 || fds[1].revents != 0) return NULL;
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) continue;
        pthread_mutex_lock(&server->mutex);
        assert_true(server->connection_count < CONNECTIONS_MAX);
        struct connection *connection = &server->connections[server->connection_count++];
        pthread_mutex_unlock(&server->mutex);
        *connection = (struct connection){ .server = server, .socket = fd };
        assert_int_equal(pthread_create(&connection->thread, NULL, connection_main, connection), 0);
    }
}

struct fault_server *fault_server_open(const struct server_options *options)
{
    struct fault_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    server->options = *options;
    assert_int_equal(pthread_mutex_init(&server->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&server->changed, NULL), 0);
    assert_int_equal(pipe(server->stop), 0);
    if (options->certificate != SERVER_PLAIN) tls_open(server);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(server->listener >= 0);
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 1024), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    bool tls = options->certificate != SERVER_PLAIN;
    int len = snprintf(server->url, sizeof server->url, "%s:%u",
                       tls ? "https://localhost" : "http://127.0.0.1", ntohs(address.sin_port));
    assert_true(len > 0 && len < PATH_SIZE);
    assert_int_equal(pthread_create(&server->acceptor, NULL, acceptor_main, server), 0);
    return server;
}

void fault_server_close(struct fault_server *server)
{
    assert_int_equal(close(server->stop[1]), 0);
    assert_int_equal(pthread_join(server->acceptor, NULL), 0);
    for (uint32_t i = 0; i < server->connection_count; i++) {
        (void)shutdown(server->connections[i].socket, SHUT_RDWR); /* it may have ended already */
        assert_int_equal(pthread_join(server->connections[i].thread, NULL), 0);
        assert_int_equal(close(server->connections[i].socket), 0);
    }
    assert_int_equal(close(server->listener), 0);
    assert_int_equal(close(server->stop[0]), 0);
    for (uint32_t i = 0; i < REQUESTS_KEPT; i++) buf_free(&server->requests[i]);
    if (server->ca_file[0] != '\0') assert_int_equal(unlink(server->ca_file), 0);
    SSL_CTX_free(server->tls);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

const char *fault_server_url(const struct fault_server *server)
{
    return server->url;
}

const char *fault_server_ca_file(const struct fault_server *server)
{
    return server->ca_file;
}

void fault_server_counts(struct fault_server *server, struct server_counts *out_counts)
{
    pthread_mutex_lock(&server->mutex);
    *out_counts = (struct server_counts){ .connections = server->connection_count,
                                          .requests = server->request_count };
    pthread_mutex_unlock(&server->mutex);
}

struct str fault_server_request(struct fault_server *server, uint32_t number)
{
    pthread_mutex_lock(&server->mutex);
    assert_true(number < REQUESTS_KEPT && number < server->request_count);
    struct str text = buf_view(&server->requests[number]);
    pthread_mutex_unlock(&server->mutex);
    return text;
}
