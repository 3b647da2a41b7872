/* load_connection.h - one connection of the load generator: plain or TLS, one answer at a time. */
#ifndef ADAPTER_LOAD_CONNECTION_H
#define ADAPTER_LOAD_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/* Where to, and how: shared by all connections. */
struct load_target {
    struct sockaddr_storage address;
    socklen_t address_size;
    SSL_CTX *tls; /* NULL: plain */
};

struct load_connection {
    int fd; /* -1: not connected */
    SSL *tls;
    size_t sent;       /* of the request */
    struct buf answer; /* its bytes so far */
    size_t body_at;    /* 0: the head is not whole yet */
    size_t body_size;
    uint32_t http_status;
    bool close; /* the server said so */
};

enum load_progress {
    LOAD_AGAIN, /* when the socket is ready */
    LOAD_DONE,
    LOAD_LOST, /* closed, broken, or not understood */
};

/* "127.0.0.1:8080" or "[::1]:8443". STATUS_INVALID: none, or not loopback. STATUS_UNAVAILABLE. */
enum status load_target_open(const char *address, bool tls, struct load_target *out_target)
    MUST_CHECK;
void load_target_close(struct load_target *target);

/* Blocks until connected and shaken hands; the socket is non-blocking afterwards. */
enum status load_connect(struct load_connection *connection, const struct load_target *target)
    MUST_CHECK;
/* Accepts one that is not connected. Keeps the buffer. */
void load_disconnect(struct load_connection *connection);

/* The next request begins: forgets the last answer. */
void load_begin(struct load_connection *connection);
enum load_progress load_send(struct load_connection *connection, struct str request);
/* LOAD_DONE: http_status is set, and the body can be looked at until load_begin(). */
enum load_progress load_receive(struct load_connection *connection);
struct str load_body(const struct load_connection *connection);

#endif
