/* fault_server.h - an HTTP server on loopback that answers, or fails to, as a test says. */
#ifndef TESTS_PORT_FAULT_SERVER_H
#define TESTS_PORT_FAULT_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* What happens to a request. */
enum server_act {
    SERVER_ANSWERS,      /* as its step says */
    SERVER_REFUSES_ALL,  /* the connection is closed as soon as it is made */
    SERVER_HANGS_UP,     /* the request is read, then the connection is closed */
    SERVER_IS_SILENT,    /* the request is read, and that is all */
    SERVER_SAYS_GARBAGE, /* bytes that are no HTTP */
    SERVER_TRICKLES,     /* the answer, one byte a second */
    SERVER_CUTS_HEAD,    /* half a head, then the end */
    SERVER_CUTS_BODY,    /* a head and half a body, then the end */
    SERVER_ENDS_BODY,    /* a body without length, ended by the connection's end */
    SERVER_NEVER_ENDS,   /* a head without end */
};

/* Views of static text. */
struct server_step {
    enum server_act act;
    unsigned status;    /* 0: 200 */
    const char *header; /* whole lines with "\r\n", or NULL */
    const char *body;   /* NULL: none */
    uint32_t body_size; /* more than the body's: filled up with blanks */
};

enum server_certificate { SERVER_PLAIN, SERVER_TRUSTED, SERVER_EXPIRED, SERVER_OTHER_NAME };

struct server_options {
    const struct server_step *steps; /* one for each request in order of coming; the last stays */
    uint32_t step_count;
    enum server_certificate certificate;
    uint32_t gather; /* answer none before so many requests are there at once; 0: at once */
};

struct fault_server;

/* Listens on a free port of 127.0.0.1. */
struct fault_server *fault_server_open(const struct server_options *options);
/* Ends connections still open, waits for their threads. */
void fault_server_close(struct fault_server *server);

/* "http://127.0.0.1:4711", or "https://localhost:4711". */
const char *fault_server_url(const struct fault_server *server);
/* PEM of the server's own certificate, which vouches for itself; in $TMPDIR. */
const char *fault_server_ca_file(const struct fault_server *server);

struct server_counts {
    uint32_t connections;
    uint32_t requests; /* read whole */
};
void fault_server_counts(struct fault_server *server, struct server_counts *out_counts);
/* Head and body of the request with this number (0 is the first); of the first 64. */
struct str fault_server_request(struct fault_server *server, uint32_t number);

#endif
