#include "sim/letterbox.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "sim/sim_psp.h"

enum { ROUTE = 2, TOLERANCE_S = 300, WAIT_MS = 1 };

#define SECRET "whsec_c2VjcmV0IG9mIHRoZSBzaW11bGF0ZWQgUFNQLCAzMg=="

static const struct webhook_policy POLICY = { .scheme = WEBHOOK_STANDARD,
                                              .tolerance_s = TOLERANCE_S };

/* The wire of the simulated PSP: the event itself. What real ones send is parsed elsewhere. */
static enum status event_read(struct str body, struct arena *arena, struct psp_event *out_event)
{
    (void)arena; /* nothing is taken apart */
    if (body.len != sizeof *out_event) return STATUS_INVALID;
    memcpy(out_event, body.data, sizeof *out_event);
    return STATUS_OK;
}

bool letterbox_open(struct letterbox *box, struct life *life, struct sim_tray *tray)
{
    struct webhook_sender sender = {
        .name = SIM_PSP_NAME, .event_read = event_read, .policy = POLICY, .key_count = 1
    };
    enum status status = signing_key_parse(STR(SECRET), &sender.keys[0]);
    CHECK(status == STATUS_OK);
    if (box->inbox == NULL) box->inbox = sim_inbox_open(tray, &life->process);
    const struct webhook_in_options options = {
        .lane = life->lane,
        .ports = { .clock = &life->clock.port,
                   .entropy = &life->entropy.port,
                   .sync = &life->sync.port,
                   .log = &life->log.port },
        .inbox = box->inbox,
        .route = ROUTE,
        .senders = &sender,
        .sender_count = 1,
    };
    struct error error;
    status = webhook_in_open(&options, &box->in, &error);
    if (status != STATUS_OK) box->in = NULL;
    signing_key_done(&sender.keys[0]);
    return status == STATUS_OK;
}

void letterbox_close(struct letterbox *box, struct world *world)
{
    struct webhook_in *in = box->in;
    box->in = NULL;
    while (box->inside > 0) task_sleep(world, WAIT_MS * NS_PER_MS);
    webhook_in_close(in);
    if (box->inbox != NULL) box->inbox->close(box->inbox);
    box->inbox = NULL;
}

/* ---- Posting ---- */

struct post {
    struct psp_event event; /* also the body */
    char id[PSP_TOKEN_SIZE + 8];
    char timestamp[24];
    struct buf signature;
    struct webhook_header headers[3];
};

static struct webhook_message message_of(struct post *post, struct wall_time now)
{
    struct signing_key key;
    struct signing_key *const keys[] = { &key };
    struct str body = { (const char *)&post->event, sizeof post->event };
    uint64_t seconds = (uint64_t)(now.ns / NS_PER_S);
    enum status status = signing_key_parse(STR(SECRET), &key);
    CHECK(status == STATUS_OK);
    struct str id = str_from(post->event.id);
    const struct webhook_signing signing = { .policy = &POLICY,
                                             .keys = keys,
                                             .key_count = 1,
                                             .id = id,
                                             .timestamp_s = seconds,
                                             .body = body };
    webhook_sign(&signing, &post->signature);
    signing_key_done(&key);
    int len =
        snprintf(post->timestamp, sizeof post->timestamp, "%llu", (unsigned long long)seconds);
    CHECK(len > 0 && (size_t)len < sizeof post->timestamp);
    post->headers[0] = (struct webhook_header){ STR("webhook-id"), id };
    post->headers[1] =
        (struct webhook_header){ STR("webhook-timestamp"), str_from(post->timestamp) };
    post->headers[2] =
        (struct webhook_header){ STR("webhook-signature"), buf_view(&post->signature) };
    return (struct webhook_message){ post->headers, 3, body };
}

static enum webhook_in_result receive(struct webhook_in *in, const struct webhook_message *message)
{
    char text[WEBHOOK_IN_TEXT_SIZE];
    const struct webhook_arrival arrival = { .name = STR(SIM_PSP_NAME), .message = *message };
    return webhook_in_receive(in, &arrival, text);
}

/* What is not what was signed has no effect, and is turned away by whoever is up. */
static void changed_post(struct webhook_in *in, struct life *life, struct post *post,
                         const struct webhook_message *message)
{
    post->event.step_number ^= 1;
    enum webhook_in_result result = receive(in, message);
    post->event.step_number ^= 1;
    if (result == WEBHOOK_IN_REJECTED || life->process.crashed) return;
    verdict_violation(&life->service->verdict, "a webhook with a byte changed is %s",
                      webhook_in_result_name(result));
}

bool letterbox_post(struct letterbox *box, struct life *life, const struct psp_event *event,
                    bool changed_first)
{
    struct webhook_in *in = box->in; /* stays while somebody is inside */
    if (in == NULL) return false;
    struct post post = { .event = *event };
    buf_init(&post.signature, 256);
    box->inside++;
    struct wall_time now = clock_wall(&life->clock.port);
    struct webhook_message message = message_of(&post, now);
    if (changed_first) changed_post(in, life, &post, &message);
    enum webhook_in_result result = receive(in, &message);
    box->inside--;
    buf_free(&post.signature);
    bool taken = result == WEBHOOK_IN_DONE || result == WEBHOOK_IN_REPEATED ||
                 result == WEBHOOK_IN_IGNORED || result == WEBHOOK_IN_KEPT;
    if (life->process.crashed) return false; /* nobody was told */
    if (result == WEBHOOK_IN_KEPT || result == WEBHOOK_IN_UNKNOWN) {
        verdict_violation(&life->service->verdict, "a good webhook is %s",
                          webhook_in_result_name(result));
    }
    return taken;
}
