/* webhook_endpoints_parse.h - the bodies of requests about the receivers of our webhooks. */
#ifndef API_WEBHOOK_ENDPOINTS_PARSE_H
#define API_WEBHOOK_ENDPOINTS_PARSE_H

#include "api/body.h"
#include "wallet/webhook_desk.h"

/* What a body says; absent members are as the caller left them. */
struct endpoint_body {
    bool has_id;
    bool has_after;
    struct webhook_desk_change change; /* and of a new one: the draft */
    uint32_t overlap_s;
    uint64_t sequence;
};

enum endpoint_request { ENDPOINT_CREATE, ENDPOINT_UPDATE, ENDPOINT_ROTATE, ENDPOINT_REDRIVE };

/* False: the problem is raised. */
bool endpoint_body_parse(enum endpoint_request request, struct str text, struct arena *scratch,
                         struct endpoint_body *out_body, struct problem *out_problem) MUST_CHECK;

#endif
