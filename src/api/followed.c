#include "api/followed.h"

#include "api/query.h"
#include "api/router.h"
#include "model/position.h"

bool followed_need(const struct api_call *call, struct lane_need *out_need)
{
    enum { PARAMETERS = PARAMETER_MAX_STALE_MS | PARAMETER_MIN_POSITION };
    struct query query;
    struct problem problem; /* the owner tells it */
    if (call->query.len == 0) return false;
    struct route_match match = router_match(call->method, call->path);
    if (match.route == NULL || match.route->number != ROUTE_ACCOUNTS_GET) return false;
    if (!query_parse(call->query, PARAMETERS, &query, &problem)) return false;
    if ((query.present & PARAMETER_MAX_STALE_MS) == 0) return false;
    if (call->min_position.len > 0 && !position_parse(call->min_position, &query.min_position))
        return false;
    *out_need = (struct lane_need){ query.max_stale_ms, query.min_position.batch };
    return true;
}
