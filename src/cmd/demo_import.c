/* A bank's data brought in twice, while the server is killed again and again. */
#include <signal.h>
#include <string.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "cmd/answer.h"
#include "cmd/demo.h"
#include "cmd/demo_data.h"
#include "cmd/pause.h"

enum { KILL_AFTER_MS = 120, POLL_MS = 5 };

static uint64_t ms_since(int64_t from_ns)
{
    return (uint64_t)((clock_monotonic(system_clock()).ns - from_ns) / NS_PER_MS);
}

static enum status file_make(struct demo *demo, const char *name,
                             enum status (*write)(const struct demo_data_size *, FILE *))
{
    BUF_SCOPE struct buf path;
    buf_init(&path, 4096);
    stage_path(&demo->stage, name, &path);
    const struct demo_data_size size = {
        .accounts = (uint32_t)demo->accounts,
        .transfers = (uint32_t)demo->transfers,
        .seed = demo->seed,
    };
    FILE *file = fopen(buf_terminated(&path), "we");
    enum status status = file == NULL ? STATUS_LIMIT : write(&size, file);
    if (file != NULL && fclose(file) != 0) status = STATUS_LIMIT;
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(&demo->error, status, "cannot write '%s'", buf_terminated(&path));
}

static uint64_t number_of(const struct answer_object *object, const char *path)
{
    struct str text = answer_text(object, path);
    uint64_t value = 0;
    for (size_t i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        value = 10 * value + (uint64_t)(text.data[i] - '0');
    return value;
}

/* One import in the background; meanwhile the server is killed up to `kills` times. */
static enum status import_under_kills(struct demo *demo, const char *const *words,
                                      const char *report, uint64_t kills)
{
    static const char *const serve[] = { "--plain", "--anonymous", NULL };
    struct child import;
    enum status status = demo_start(demo, words, report, &import);
    int code = 0;
    uint64_t waited = 0;
    while (status == STATUS_OK && !child_ended(&import, &code)) {
        pause_ms(POLL_MS);
        waited += POLL_MS;
        if (waited < KILL_AFTER_MS || demo->kills >= kills) continue;
        stage_kill(&demo->stage);
        status = stage_serve(&demo->stage, serve, &demo->error);
        demo->kills++;
        uint64_t back_ms = demo->stage.start_ns / (uint64_t)NS_PER_MS;
        if (back_ms > demo->recovery_ms_max) demo->recovery_ms_max = back_ms;
        (void)fprintf(demo->out, "   kill -9 of the server; it is back after %llu ms\n",
                      (unsigned long long)back_ms);
        waited = 0;
    }
    if (status != STATUS_OK) {
        if (import.pid > 0) {
            child_signal(&import, SIGKILL);
            (void)child_wait(&import); /* it was ended on purpose */
        }
        return status;
    }
    if (code == EXIT_CODE_DONE) return STATUS_OK;
    return error_set(&demo->error, STATUS_UNAVAILABLE, "the import ended with exit code %d", code);
}

static enum status head_read(struct demo *demo, uint64_t *out_batch)
{
    struct arena arena;
    enum status status = arena_init(&arena, 64 * (size_t)DEMO_FILE_SIZE_MAX);
    if (status != STATUS_OK) return error_set(&demo->error, status, "no memory");
    BUF_SCOPE struct buf answer;
    buf_init(&answer, DEMO_FILE_SIZE_MAX);
    struct session session;
    const struct session_options options = { .folder = buf_terminated(&demo->stage.data) };
    status = session_open(&options, &session, &demo->error);
    if (status == STATUS_OK) {
        const struct session_request request = { .method = API_GET, .target = STR("/v1/periods") };
        unsigned http_status = 0;
        status = session_call(&session, &request, &http_status, &answer, &demo->error);
        session_close(&session);
    }
    struct answer_object object;
    if (status == STATUS_OK) status = answer_read(buf_view(&answer), &arena, &object);
    if (status == STATUS_OK) *out_batch = number_of(&object, "as_of");
    arena_done(&arena);
    return status;
}

static enum status transfers_import(struct demo *demo, const char *path, struct arena *arena)
{
    const char *const words[] = {
        "import",
        path,
        "--kind",
        "transfers",
        "--id-namespace",
        "bank",
        "--map",
        "debit=sourceNodeId,credit=targetNodeId,amount=value,code=time,asset==USD",
        "--refusals",
        "/dev/null",
        "--quiet",
        "--json",
        NULL,
    };
    struct answer_object first;
    struct answer_object second;
    (void)fprintf(demo->out,
                  "\n%llu transfers, in the order of the file, while the server is killed:\n\n",
                  (unsigned long long)demo->transfers);
    enum status status = import_under_kills(demo, words, "transfers-1.json", demo->kills_wanted);
    if (status == STATUS_OK) status = demo_answer_read(demo, "transfers-1.json", arena, &first);
    if (status != STATUS_OK) return status;
    demo->done = number_of(&first, "done");
    demo->refused = number_of(&first, "refused");
    demo->transfers_per_second = number_of(&first, "rows_per_second");
    (void)fprintf(
        demo->out,
        "   %llu done, %llu refused for want of funds, in %llu ms with %llu kills in it\n",
        (unsigned long long)demo->done,
        (unsigned long long)number_of(&first, "outcomes.debits_exceed_credits"),
        (unsigned long long)number_of(&first, "elapsed_ms"), (unsigned long long)demo->kills);

    (void)fprintf(demo->out, "\nThe same file once more, nobody is killed:\n\n");
    status = head_read(demo, &demo->head_before);
    if (status == STATUS_OK) status = import_under_kills(demo, words, "transfers-2.json", 0);
    if (status == STATUS_OK) status = demo_answer_read(demo, "transfers-2.json", arena, &second);
    if (status == STATUS_OK) status = head_read(demo, &demo->head_after);
    if (status != STATUS_OK) return status;
    demo->repeat_per_second = number_of(&second, "rows_per_second");
    bool same = number_of(&second, "done") == demo->done &&
                number_of(&second, "refused") == demo->refused &&
                demo->head_before == demo->head_after;
    (void)fprintf(demo->out,
                  "   %llu of %llu had their outcome before, at %llu a second\n"
                  "   the journal's head: batch %llu before, %llu after%s\n",
                  (unsigned long long)number_of(&second, "repeated"),
                  (unsigned long long)number_of(&second, "rows"),
                  (unsigned long long)demo->repeat_per_second,
                  (unsigned long long)demo->head_before, (unsigned long long)demo->head_after,
                  same ? ": nothing was lost, nothing is there twice" : "");
    if (same) return STATUS_OK;
    return error_set(&demo->error, STATUS_CORRUPT, "the second run was told something else");
}

static enum status accounts_import(struct demo *demo, const char *path, struct arena *arena)
{
    const char *const words[] = {
        "import",
        path,
        "--kind",
        "accounts",
        "--id-namespace",
        "bank",
        "--openings-from",
        "openings",
        "--map",
        "id=nodeid,user_ref=nodeid,opening=init_balance,asset==USD,"
        "flags==debits_must_not_exceed_credits",
        "--refusals",
        "/dev/null",
        "--quiet",
        "--json",
        NULL,
    };
    struct answer_object numbers;
    (void)fprintf(demo->out,
                  "\n%llu wallets, each with an opening balance from an equity account:\n\n",
                  (unsigned long long)demo->accounts);
    enum status status = import_under_kills(demo, words, "accounts.json", 0);
    if (status == STATUS_OK) status = demo_answer_read(demo, "accounts.json", arena, &numbers);
    if (status != STATUS_OK) return status;
    demo->accounts_per_second = number_of(&numbers, "rows_per_second");
    (void)fprintf(demo->out, "   %llu wallets and %llu openings in %llu ms\n",
                  (unsigned long long)number_of(&numbers, "done"),
                  (unsigned long long)number_of(&numbers, "openings"),
                  (unsigned long long)number_of(&numbers, "elapsed_ms"));
    return STATUS_OK;
}

enum status demo_import(struct demo *demo)
{
    int64_t from = clock_monotonic(system_clock()).ns;
    enum status status = file_make(demo, "nodes.csv", demo_data_accounts);
    if (status == STATUS_OK) status = file_make(demo, "transactions.csv", demo_data_transfers);
    if (status != STATUS_OK) return status;
    (void)fprintf(demo->out,
                  "made nodes.csv and transactions.csv in %llu ms (seed %llu: the same on "
                  "every machine)\n",
                  (unsigned long long)ms_since(from), (unsigned long long)demo->seed);
    struct arena arena;
    status = arena_init(&arena, 8 * (size_t)DEMO_FILE_SIZE_MAX);
    if (status != STATUS_OK) return error_set(&demo->error, status, "no memory");
    BUF_SCOPE struct buf nodes;
    BUF_SCOPE struct buf transactions;
    buf_init(&nodes, 4096);
    buf_init(&transactions, 4096);
    stage_path(&demo->stage, "nodes.csv", &nodes);
    stage_path(&demo->stage, "transactions.csv", &transactions);
    status = accounts_import(demo, buf_terminated(&nodes), &arena);
    if (status == STATUS_OK) status = transfers_import(demo, buf_terminated(&transactions), &arena);
    arena_done(&arena);
    return status;
}
