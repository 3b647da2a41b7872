/* router.h - which operation a method and path mean, and what it allows: from api/openapi.yaml. */
#ifndef API_ROUTER_H
#define API_ROUTER_H

#include "api/api.h"
#include "model/admin.h"

#include "api/routes.inc"

/* The operation's number (x-route), as it stands in the journal; 0 is none. */
#define ROUTE_ENUM(operation, name, number, method, path, scope, body_max, parameters, media)      \
    ROUTE_##name = number,
enum route_number { ROUTE_NONE = 0, ROUTE_TABLE(ROUTE_ENUM) };
#undef ROUTE_ENUM

#define PARAMETER_ENUM(name, bit, text) PARAMETER_##name = bit,
enum parameter { PARAMETER_TABLE(PARAMETER_ENUM) };
#undef PARAMETER_ENUM

#define MEDIA_ENUM(name, bit, text) MEDIA_##name = bit,
enum media { MEDIA_TABLE(MEDIA_ENUM) };
#undef MEDIA_ENUM

struct work;

/*
 * What an operation does. start parses and queues, or raises a problem (API_READY); NULL: there
 * is nothing to parse. run is for a worker, when start queued it there. write appends the answer
 * when no problem was raised; it may raise one still.
 */
struct handler {
    enum api_progress (*start)(struct work *work);
    void (*run)(struct work *work);
    void (*write)(struct work *work);
};

struct route {
    const char *operation; /* "transfers_create" */
    uint32_t number;       /* enum route_number */
    enum api_method method;
    struct str path; /* template: "/v1/accounts/{id}" */
    uint32_t scope;  /* enum scope; 0: everybody may */
    uint32_t body_max;
    uint32_t parameters; /* enum parameter bits */
    uint32_t media;      /* enum media bits */
    const struct handler *handler;
};

/* Every operation has one, in the file of its resource; the linker misses it otherwise. */
#define ROUTE_HANDLER(operation, name, number, method, path, scope, body_max, parameters, media)   \
    extern const struct handler handler_##operation;
ROUTE_TABLE(ROUTE_HANDLER)
#undef ROUTE_HANDLER

/* Defines it: HANDLER(ROUTE_X, x) = { ... }; does not compile when there is no such operation. */
#define HANDLER(number, operation)                                                                 \
    _Static_assert((number) != ROUTE_NONE, "an operation of api/openapi.yaml");                    \
    const struct handler handler_##operation

struct route_match {
    const struct route *route; /* NULL: no such path (methods is 0) or method */
    uint32_t methods;          /* bits 1 << enum api_method that the path has */
    struct str parameter;      /* what stood in place of {id}: raw, a view into path; or empty */
    /* A parameter {path} stands at the end and takes all segments. */
    bool named; /* it was {name}: a word, and no id */
};

/* API_HEAD matches as API_GET. */
struct route_match router_match(enum api_method method, struct str path);

/* NULL: there is none of this number, or none any more. */
const struct route *router_route(uint32_t number);
/* All routes; *out_count is how many. */
const struct route *router_table(uint32_t *out_count);

/* The one bit for a Content-Type header (parameters ignored, any case); 0 when it is unknown. */
uint32_t media_parse(struct str content_type);
/* "application/json"; empty for 0. */
struct str media_text(uint32_t media);

/* "GET", for the Allow header and metrics. */
const char *method_name(enum api_method method);

#endif
