#include "wallet/act_record.h"

#include <string.h>

#include "base/check.h"

enum status act_record(struct lane *lane, const struct act_done *act)
{
    struct admin admin = { .kind = ADMIN_NOTICE, .notice = act->notice };
    if (act->reason != NULL) {
        struct str reason = str_from(act->reason);
        CHECK(reason_is_valid(reason));
        memcpy(admin.reason, reason.data, reason.len);
    }
    const char *field;
    CHECK(admin_fault(&admin, &field) == NULL);
    struct admin_result result;
    struct request request = {
        .kind = REQUEST_ADMIN,
        .principal = act->principal,
        .key = act->key,
        .fingerprint = act->key, /* nothing else is ever asked for under it */
        .root = lane_new_id(lane),
        .count = 1,
        .admin = &admin,
        .admin_result = &result,
    };
    return lane_run(lane, &request);
}
