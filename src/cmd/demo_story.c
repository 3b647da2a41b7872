/* The story of one payment: reserved, posted in part, voided, given back; and every balance of it. */
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/answer.h"
#include "cmd/demo.h"
#include "cmd/import_id.h"

enum { ANSWER_SIZE_MAX = 1 << 20, STEPS_MAX = 12, WORDS_MAX = 2 * 8 };

struct story_step {
    const char *what;
    const char *words[WORDS_MAX]; /* names and values of the request, ending with NULL */
};

/* "alice", "shop", "bank" are accounts; names beginning with '#' are ids of earlier steps. */
static const struct story_step steps[] = {
    { "paid in 100.00",
      { "id", "#in", "debit", "bank", "credit", "alice", "asset", "EUR", "amount", "100.00" } },
    { "hold 40.00 for the shop",
      { "id", "#hold", "kind", "hold", "debit", "alice", "credit", "shop", "asset", "EUR", "amount",
        "40.00" } },
    { "another 70.00 at once",
      { "id", "#more", "debit", "alice", "credit", "shop", "asset", "EUR", "amount", "70.00" } },
    { "shop takes 25.00 of the hold",
      { "id", "#post", "kind", "post", "target", "#hold", "asset", "EUR", "amount", "25.00" } },
    { "hold 10.00, then void it",
      { "id", "#hold2", "kind", "hold", "debit", "alice", "credit", "shop", "asset", "EUR",
        "amount", "10.00" } },
    { "  voided", { "id", "#void", "kind", "void", "target", "#hold2" } },
    { "shop gives 5.00 back",
      { "id", "#back", "kind", "reversal", "target", "#post", "asset", "EUR", "amount", "5.00" } },
    { "the same once more", /* a repeat of the same id: done once */
      { "id", "#back", "kind", "reversal", "target", "#post", "asset", "EUR", "amount", "5.00" } },
};
_Static_assert(sizeof(steps) / sizeof(steps[0]) <= STEPS_MAX, "room for what they answered");

struct story {
    struct demo *demo;
    struct session session;
    struct buf answer;
    struct buf request;
    struct arena arena;
    struct answer_object object;
};

static struct uuid story_id(const char *name)
{
    const struct import_set set = { STR("demo"), STR("account") };
    return import_key_id(&set, str_from(name));
}

static bool is_id(const char *name)
{
    static const char *const ids[] = { "id", "debit", "credit", "target" };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (str_equal(str_from(name), str_from(ids[i]))) return true;
    return false;
}

/* Sends one request; the answer, problem or not, is taken apart into story->object. */
static enum status story_call(struct story *story, enum api_method method, struct str target)
{
    const struct session_request request = {
        .method = method,
        .target = target,
        .content_type = method == API_POST ? STR("application/json") : STR(""),
        .body = method == API_POST ? buf_view(&story->request) : STR(""),
    };
    unsigned http_status = 0;
    enum status status =
        session_call(&story->session, &request, &http_status, &story->answer, &story->demo->error);
    if (status != STATUS_OK) return status;
    arena_reset(&story->arena);
    status = answer_read(buf_view(&story->answer), &story->arena, &story->object);
    if (status == STATUS_OK && http_status < 500) return STATUS_OK;
    return error_set(&story->demo->error, STATUS_CORRUPT, "the server answered %u: %.*s",
                     http_status, STR_ARG(buf_view(&story->answer)));
}

static void request_write(struct story *story, const char *const *words)
{
    struct json_writer writer;
    buf_reset(&story->request);
    json_writer_init(&writer, &story->request);
    json_write_object_begin(&writer);
    for (uint32_t i = 0; words[i] != NULL; i += 2) {
        json_write_key(&writer, str_from(words[i]));
        if (is_id(words[i]))
            json_write_uuid(&writer, story_id(words[i + 1]));
        else
            json_write_string(&writer, str_from(words[i + 1]));
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
}

static enum status account_make(struct story *story, const char *name, const char *kind,
                                bool bounded)
{
    struct json_writer writer;
    buf_reset(&story->request);
    json_writer_init(&writer, &story->request);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("id"));
    json_write_uuid(&writer, story_id(name));
    json_write_key(&writer, STR("asset"));
    json_write_string(&writer, STR("EUR"));
    json_write_key(&writer, STR("kind"));
    json_write_string(&writer, str_from(kind));
    if (bounded) {
        json_write_key(&writer, STR("flags"));
        json_write_array_begin(&writer);
        json_write_string(&writer, STR("debits_must_not_exceed_credits"));
        json_write_array_end(&writer);
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    return story_call(story, API_POST, STR("/v1/accounts"));
}

/* The balance of alice right behind the unit at this position. */
static enum status balance_show(struct story *story, const struct story_step *step,
                                struct str position, struct str outcome)
{
    BUF_SCOPE struct buf line;
    BUF_SCOPE struct buf target;
    char id[UUID_TEXT_LEN + 1];
    buf_init(&line, 4096);
    buf_init(&target, 4096);
    uuid_format(story_id("alice"), id);
    buf_append_format(&target, "/v1/accounts/%s?at=%.*s", id, STR_ARG(position));
    buf_append_format(&line, "   %-30s %-22.*s %8.*s", step->what, STR_ARG(outcome),
                      STR_ARG(position));
    enum status status = story_call(story, API_GET, buf_view(&target));
    if (status != STATUS_OK) return status;
    struct str net = answer_text(&story->object, "balance.net");
    struct str held = answer_text(&story->object, "balance.debits_pending");
    (void)fprintf(story->demo->out, "%s %9.*s %9.*s\n", buf_terminated(&line), STR_ARG(net),
                  STR_ARG(held));
    return STATUS_OK;
}

static enum status step_run(struct story *story, const struct story_step *step)
{
    request_write(story, step->words);
    enum status status = story_call(story, API_POST, STR("/v1/transfers"));
    if (status != STATUS_OK) return status;
    struct str outcome = answer_text(&story->object, "outcome");
    if (outcome.len == 0) outcome = answer_text(&story->object, "code");
    if (str_equal(answer_text(&story->object, "repeated"), STR("true")))
        outcome = STR("ok, done before");
    struct str position = answer_text(&story->object, "position");
    BUF_SCOPE struct buf kept; /* the arena is reset by the next call */
    buf_init(&kept, 4096);
    buf_append_str(&kept, position);
    buf_append_str(&kept, outcome);
    struct str texts = buf_view(&kept);
    return balance_show(story, step, (struct str){ texts.data, position.len },
                        (struct str){ texts.data + position.len, outcome.len });
}

static enum status story_tell(struct story *story)
{
    enum status status = account_make(story, "bank", "equity", false);
    if (status == STATUS_OK) status = account_make(story, "alice", "liability", true);
    if (status == STATUS_OK) status = account_make(story, "shop", "liability", true);
    if (status != STATUS_OK) return status;
    (void)fprintf(story->demo->out,
                  "\nThe story of one wallet (EUR), asked for again as of every "
                  "position:\n\n   %-30s %-22s %8s %9s %9s\n",
                  "step", "outcome", "position", "balance", "held");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && status == STATUS_OK; i++)
        status = step_run(story, &steps[i]);
    return status;
}

enum status demo_story(struct demo *demo)
{
    struct story story = { .demo = demo };
    buf_init(&story.answer, ANSWER_SIZE_MAX);
    buf_init(&story.request, ANSWER_SIZE_MAX);
    enum status status = arena_init(&story.arena, 32 * (size_t)ANSWER_SIZE_MAX);
    if (status != STATUS_OK) return error_set(&demo->error, status, "no memory");
    const struct session_options options = { .folder = buf_terminated(&demo->stage.data) };
    status = session_open(&options, &story.session, &demo->error);
    if (status == STATUS_OK) {
        status = story_tell(&story);
        session_close(&story.session);
    }
    buf_free(&story.answer);
    buf_free(&story.request);
    arena_done(&story.arena);
    return status;
}
