/* http_server_stream.h - an answer that goes out in parts, each asked for when the last one is out. */
#ifndef ADAPTER_HTTP_SERVER_STREAM_H
#define ADAPTER_HTTP_SERVER_STREAM_H

#include <microhttpd.h>

#include "adapter/http_server_connection.h"
#include "adapter/http_server_loop.h"
#include "port/api_call.h"

enum { STREAM_WATCH_MS = 1000 }; /* a client that is gone is noticed so much later at most */

/* Part of the request that it answers, which stays until the library has ended it. */
struct http_stream {
    struct api_service *service;
    struct api_call *call;
    struct http_loop *loop;
    struct http_resume *resume; /* of the request's connection */
    struct http_connection *peer;
    size_t sent;              /* bytes of the part at hand that the library has */
    bool asked;               /* for a part that was not there at once */
    bool hurried;             /* that part is not wanted any more */
    struct http_stream *next; /* in loop->streams, while it waits */
    struct http_stream *previous;
};

/* The first part is in the call's answer. NULL: no memory. To be destroyed once it is queued. */
struct MHD_Response *http_stream_response(struct http_stream *stream);

/* The request has ended, however far it got. Accepts a zeroed one. */
void http_stream_end(struct http_stream *stream);

/* The loop's thread: hurries the streams whose clients are gone, when a look is due. */
void http_streams_watch(struct http_loop *loop);

#endif
