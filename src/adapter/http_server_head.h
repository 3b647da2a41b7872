/* http_server_head.h - a request's line and headers, read strictly: what may be misread is refused. */
#ifndef ADAPTER_HTTP_SERVER_HEAD_H
#define ADAPTER_HTTP_SERVER_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "port/api_call.h"

/*
 * The HTTP library has parsed the head already, and leniently: it lets pass what a proxy in
 * front may read otherwise, which is how requests are smuggled. Its header values still point
 * into the bytes as received, with ends of line and colons overwritten by zeros; so the check
 * walks those bytes from the method to the empty line, and takes only a head in which every
 * byte is where RFC 9112 puts it. Bare LF, folded lines, space before the colon, zero bytes,
 * repeated or conflicting framing and all other gaps are then refused without a list of tricks.
 */
struct http_head {
    enum api_method method;
    struct str path;  /* origin form, raw */
    struct str query; /* without '?'; empty when there is none */
    struct str content_type;
    struct str accept;
    struct str authorization;
    struct str idempotency_key;
    struct str min_position;
    struct str last_event_id;
    struct str traceparent;
    struct str tracestate;
    uint64_t content_length;
    bool chunked;
    uint32_t raw_count;
    struct api_raw_header raw[API_RAW_HEADERS_MAX]; /* all */
};

/* What is wrong: NULL fields when nothing is. */
struct http_fault {
    unsigned status;    /* 400, 413, 414, 431, 503 */
    const char *code;   /* of x-problems in api/openapi.yaml */
    const char *detail; /* static */
    const char *hint;   /* static */
};

enum { HTTP_TARGET_LEN_MAX = 8 << 10 }; /* RFC 9110, section 4.1, asks for at least 8,000 */

/* A header as the library hands it out: pointers into the received bytes. */
struct http_header {
    struct str name;
    struct str value;
};

/* The state of a walk over the headers; target outlives the head. */
struct http_head_reader {
    struct http_head head;
    struct http_fault fault; /* the first found; code is NULL while there is none */
    const char *begin;       /* of the received bytes */
    const char *next;        /* where the next header must begin */
    bool http_1_0;
    unsigned seen; /* bits of the headers that may come once */
};

/*
 * method, version as the library hands them out (terminated, in the received bytes); url the
 * same, only to be walked over; target: a copy of the request target taken before the library
 * cut it up.
 */
void http_head_begin(struct http_head_reader *reader, const char *method, const char *url,
                     const char *version, struct str target);
/* Each header in the order received. */
void http_head_take(struct http_head_reader *reader, struct http_header header);
/* After the last one; size is that of the whole head in bytes. True: head is good. */
bool http_head_end(struct http_head_reader *reader, size_t size);

#endif
