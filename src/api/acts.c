/* The outcome decides between an answer and a problem, for every act alike. */
#include "api/acts.h"

#include "api/lanes.h"
#include "base/check.h"

static void act_request(struct work *work)
{
    work_request(work, REQUEST_ADMIN);
    work->request.count = 1;
    work->request.admin = &work->admin;
    work->request.admin_result = &work->admin_result;
}

bool act_note(struct work *work, enum notice_kind kind, struct uuid subject)
{
    const char *field = NULL;
    work->admin = (struct admin){ .kind = ADMIN_NOTICE };
    work->admin.notice.kind = kind;
    work->admin.notice.subject = subject;
    memcpy(work->admin.reason, work->query.reason, sizeof work->admin.reason);
    CHECK(admin_fault(&work->admin, &field) == NULL);
    act_request(work);
    work->request.key = (struct uuid){ 0 }; /* what is done twice is written down twice */
    work->request.fingerprint = (struct uuid){ 0 };
    return work_run(work);
}

enum api_progress act_submit(struct work *work)
{
    memcpy(work->admin.reason, work->query.reason, sizeof work->admin.reason);
    const char *field = NULL;
    const char *sentence = admin_fault(&work->admin, &field);
    if (sentence != NULL) {
        (void)problem_raise(&work->problem, PROBLEM_INVALID_VALUE, NULL);
        problem_field(&work->problem, "/%s", field);
        problem_detail(&work->problem, "%s", sentence);
        return API_READY;
    }
    act_request(work);
    if (work->api->options.lanes <= 1 || !carry_concerns(work->admin.kind))
        return work_submit(work);
    return lanes_act_here(work) ? work_submit_everywhere(work) : API_READY;
}

bool act_answer_begin(struct work *work, struct render *render)
{
    if (!work_answered(work)) return false;
    const struct admin_result *result = &work->admin_result;
    work->replayed = result->repeated;
    if (result->outcome != ADMIN_OUTCOME_OK) {
        struct problem *problem = &work->problem;
        enum admin_outcome outcome = result->outcome;
        problem_refuse(problem, admin_outcome_http_status(outcome), admin_outcome_code(outcome),
                       admin_outcome_text(outcome));
        problem->has_result = true;
        problem->position = result->position;
        problem->at = result->stamp;
        problem->repeated = result->repeated;
        return false;
    }
    work->call->status = result->repeated ? 200 : 201;
    render_init(render, &work->assets, &work->call->answer);
    json_write_object_begin(&render->json);
    return true;
}

void act_answer_end(struct work *work, struct render *render)
{
    const struct admin_result *result = &work->admin_result;
    render_name(render, STR("outcome"), admin_outcome_code(result->outcome));
    render_position(render, STR("position"), result->position);
    render_time(render, STR("at"), result->stamp);
    render_bool(render, STR("repeated"), result->repeated);
    json_write_object_end(&render->json);
    render_end(render);
}
