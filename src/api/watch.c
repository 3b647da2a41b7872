/* Asked for once by route and path, and once more when the body has been read. */
#include "api/watch.h"

#include "model/position.h"
#include "model/trace_context.h"

static bool is_command(const struct work *work)
{
    return work->request.kind == REQUEST_PAYMENT && work->request.payment != NULL;
}

void watch_begin(struct work *work)
{
    struct api_call *call = work->call;
    work->submitted = (struct wall_time){ 0 };
    call->watched = false;
    call->payment = (struct uuid){ 0 };
    call->key = (struct uuid){ 0 };
    const struct span_subject subject = {
        .trace = call->trace.id,
        .payment = work->id,
        .route = call->route,
        .asked = work->trace_asked,
    };
    call->watched = tracer_wants(work->api->ports.tracer, &subject);
}

void watch_submit(struct work *work)
{
    struct api *api = work->api;
    struct api_call *call = work->call;
    if (api->ports.tracer == NULL) return;
    if (is_command(work)) {
        const struct payment_command *command = work->request.payment;
        bool made = command->cause == PAYMENT_CAUSE_CREATE;
        const struct span_subject subject = {
            .trace = call->trace.id,
            .payment = made ? command->draft.id.value : command->id.value,
            .user_ref = command->draft.user_ref,
        };
        if (!call->watched) call->watched = tracer_wants(api->ports.tracer, &subject);
        call->payment = subject.payment;
    }
    call->key = work->request.key;
    if (call->watched) work->submitted = clock_wall(api->ports.clock);
}

/* The commit that has made a payment has its name: what comes of the payment is its child. */
static uint64_t span_of(const struct work *work)
{
    const struct request *request = &work->request;
    bool made = is_command(work) && request->payment->cause == PAYMENT_CAUSE_CREATE &&
                !request->payment_result->repeated;
    return span_of_id(made ? request->payment_result->payment.id.value : request->root);
}

void watch_end(struct work *work)
{
    struct api *api = work->api;
    struct api_call *call = work->call;
    const struct request *request = &work->request;
    if (!call->watched || work->submitted.ns == 0 || !request->answered) return;
    if (is_command(work)) call->payment = request->payment_result->payment.id.value;
    if (request->kind == REQUEST_READ) return;
    struct span span = {
        .trace = { call->trace.id, span_of(work) },
        .parent = call->trace.span,
        .kind = SPAN_INTERNAL,
        .name = STR("commit"),
        .failed = request->status != STATUS_OK,
        .start = work->submitted,
        .end = clock_wall(api->ports.clock),
    };
    char position[POSITION_TEXT_SIZE];
    span_note_text(&span, STR("tpwallet.position"), position_format(request->position, position));
    span_note_id(&span, STR("tpwallet.payment.id"), call->payment);
    span_note_id(&span, STR("tpwallet.idempotency.digest"), request->key);
    if (is_command(work)) {
        const char *outcome = payment_outcome_code(request->payment_result->outcome);
        span_note_text(&span, STR("tpwallet.outcome"), str_from(outcome));
    }
    api->ports.tracer->record(api->ports.tracer, &span);
}
