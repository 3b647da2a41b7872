/* Just enough of HTTP for answers of our own server: a status, Content-Length, a body. */
#define _GNU_SOURCE 1 /* memmem */

#include "adapter/load_connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum { RECEIVE_SIZE = 64 << 10, STATUS_AT = 9 }; /* "HTTP/1.1 201" */

static bool port_parse(const char *text, uint16_t *out_port)
{
    uint32_t port = 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || port > UINT16_MAX / 10) return false;
        port = port * 10 + (uint32_t)(*text - '0');
    }
    if (port == 0 || port > UINT16_MAX) return false;
    *out_port = (uint16_t)port;
    return true;
}

static bool loopback_parse(const char *text, struct load_target *target)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN];
    uint16_t port = 0;
    if (colon == NULL || !port_parse(colon + 1, &port)) return false;
    size_t len = (size_t)(colon - text);
    if (len == 0 || len >= sizeof host) return false;
    memcpy(host, text, len);
    host[len] = '\0';
    if (strcmp(host, "[::1]") == 0) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&target->address;
        *v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
        v6->sin6_addr = in6addr_loopback;
        target->address_size = sizeof *v6;
        return true;
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)&target->address;
    *v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    target->address_size = sizeof *v4;
    const char *numeric = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    return inet_pton(AF_INET, numeric, &v4->sin_addr) == 1 &&
           ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

enum status load_target_open(const char *address, bool tls, struct load_target *out_target)
{
    CHECK(address != NULL);
    CHECK(out_target != NULL);
    struct load_target target = { 0 };
    if (!loopback_parse(address, &target)) return STATUS_INVALID;
    if (tls) {
        target.tls = SSL_CTX_new(TLS_client_method());
        if (target.tls == NULL) return STATUS_UNAVAILABLE;
        SSL_CTX_set_min_proto_version(target.tls, TLS1_3_VERSION);
        SSL_CTX_set_mode(target.tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                         SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                         SSL_MODE_RELEASE_BUFFERS);
    }
    *out_target = target;
    return STATUS_OK;
}

void load_target_close(struct load_target *target)
{
    SSL_CTX_free(target->tls);
    target->tls = NULL;
}

static bool connection_open(struct load_connection *connection, const struct load_target *target)
{
    const int yes = 1;
    connection->fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) return false;
    const struct sockaddr *address = (const struct sockaddr *)&target->address;
    if (connect(connection->fd, address, target->address_size) != 0) return false;
    if (setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0) return false;
    if (target->tls != NULL) {
        connection->tls = SSL_new(target->tls);
        if (connection->tls == NULL) return false;
        if (SSL_set_fd(connection->tls, connection->fd) != 1) return false;
        if (SSL_connect(connection->tls) != 1) return false;
    }
    return fcntl(connection->fd, F_SETFL, O_NONBLOCK) == 0;
}

enum status load_connect(struct load_connection *connection, const struct load_target *target)
{
    CHECK(connection != NULL);
    CHECK(target != NULL);
    connection->close = false;
    if (connection_open(connection, target)) return STATUS_OK;
    load_disconnect(connection);
    return STATUS_UNAVAILABLE;
}

void load_disconnect(struct load_connection *connection)
{
    SSL_free(connection->tls);
    connection->tls = NULL;
    if (connection->fd >= 0) (void)close(connection->fd); /* nothing more is expected of it */
    connection->fd = -1;
}

void load_begin(struct load_connection *connection)
{
    buf_reset(&connection->answer);
    connection->sent = 0;
    connection->body_at = 0;
    connection->body_size = 0;
    connection->http_status = 0;
}

/* Bytes moved; 0: not now; -1: lost. */
static ssize_t tls_result(SSL *tls, int result)
{
    if (result > 0) return result;
    int error = SSL_get_error(tls, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t socket_result(ssize_t result)
{
    if (result > 0) return result;
    return result < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

enum load_progress load_send(struct load_connection *connection, struct str request)
{
    while (connection->sent < request.len) {
        const char *from = request.data + connection->sent;
        size_t left = request.len - connection->sent;
        ssize_t moved;
        if (connection->tls != NULL) {
            int chunk = left > INT32_MAX ? INT32_MAX : (int)left;
            moved = tls_result(connection->tls, SSL_write(connection->tls, from, chunk));
        } else {
            moved = socket_result(send(connection->fd, from, left, MSG_NOSIGNAL));
        }
        if (moved < 0) return LOAD_LOST;
        if (moved == 0) return LOAD_AGAIN;
        connection->sent += (size_t)moved;
    }
    return LOAD_DONE;
}

static bool digits_parse(struct str text, size_t *out_number)
{
    size_t number = 0;
    if (text.len == 0 || text.len > 9) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        number = number * 10 + (size_t)(text.data[i] - '0');
    }
    *out_number = number;
    return true;
}

/* Looks at one line of the head; false when it is not understood. */
static bool head_line(struct load_connection *connection, struct str line)
{
    const struct str length = STR("Content-Length: ");
    const struct str closing = STR("Connection: close");
    if (str_starts_caseless(line, length)) {
        return digits_parse((struct str){ line.data + length.len, line.len - length.len },
                            &connection->body_size);
    }
    if (str_equal_caseless(line, closing)) connection->close = true;
    return true;
}

static bool head_parse(struct load_connection *connection, struct str head)
{
    size_t status = 0;
    if (head.len < STATUS_AT + 3 || !str_starts(head, STR("HTTP/1.1 "))) return false;
    if (!digits_parse((struct str){ head.data + STATUS_AT, 3 }, &status)) return false;
    connection->http_status = (uint32_t)status;
    const char *at = head.data;
    const char *end = head.data + head.len;
    while (at < end) {
        const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
        if (line_end == NULL) line_end = end;
        if (!head_line(connection, (struct str){ at, (size_t)(line_end - at) })) return false;
        at = line_end + 2;
    }
    return true;
}

/* LOAD_AGAIN: more bytes are needed. */
static enum load_progress answer_look(struct load_connection *connection)
{
    struct str answer = buf_view(&connection->answer);
    if (connection->body_at == 0) {
        const char *end = memmem(answer.data, answer.len, "\r\n\r\n", 4);
        if (end == NULL) return LOAD_AGAIN;
        struct str head = { answer.data, (size_t)(end - answer.data) };
        if (!head_parse(connection, head)) return LOAD_LOST;
        connection->body_at = head.len + 4;
    }
    return answer.len >= connection->body_at + connection->body_size ? LOAD_DONE : LOAD_AGAIN;
}

enum load_progress load_receive(struct load_connection *connection)
{
    for (;;) {
        char bytes[RECEIVE_SIZE];
        ssize_t moved;
        if (connection->tls != NULL) {
            moved = tls_result(connection->tls, SSL_read(connection->tls, bytes, RECEIVE_SIZE));
        } else {
            moved = socket_result(recv(connection->fd, bytes, RECEIVE_SIZE, 0));
        }
        if (moved < 0) return LOAD_LOST;
        if (moved == 0) return LOAD_AGAIN;
        buf_append(&connection->answer, bytes, (size_t)moved);
        if (buf_status(&connection->answer) != STATUS_OK) return LOAD_LOST;
        enum load_progress progress = answer_look(connection);
        if (progress != LOAD_AGAIN) return progress;
    }
}

struct str load_body(const struct load_connection *connection)
{
    CHECK(connection->body_at > 0);
    return (struct str){ (const char *)connection->answer.data + connection->body_at,
                         connection->body_size };
}
