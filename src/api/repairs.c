/* /v1/repairs: an approved plan is about to be applied; the audit log has it before its entries. */
#include "api/acts.h"
#include "api/admin_parse.h"

static enum api_progress note_start(struct work *work)
{
    if (!repair_note_parse(work->call->body, &work->scratch, &work->admin, &work->problem))
        return API_READY;
    return act_submit(work);
}

static void note_write(struct work *work)
{
    struct render render;
    if (act_answer_begin(work, &render)) act_answer_end(work, &render);
}

HANDLER(ROUTE_REPAIRS_NOTE, repairs_note) = { .start = note_start, .write = note_write };
