/* tpwallet demo: the main job in one run, in a folder of its own; every figure is of this run. */
#include "cmd/demo.h"

#include <string.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/demo_day.h"
#include "cmd/report.h"

static const char *const serve_options[] = { "--plain", "--anonymous", NULL };

/* As one could type it; the folder of the demo stands in for --data. */
static void words_show(struct demo *demo, const char *const *words)
{
    (void)fprintf(demo->out, "$ tpwallet");
    for (uint32_t i = 0; words[i] != NULL; i++)
        (void)fprintf(demo->out, strchr(words[i], ' ') == NULL ? " %s" : " '%s'", words[i]);
    (void)fprintf(demo->out, "\n");
}

static enum status start_in(struct demo *demo, const char *folder, const char *const *words,
                            const char *name, struct child *out_child)
{
    const char *all[CHILD_ARGUMENTS_MAX + 1] = { NULL };
    uint32_t count = 0;
    for (; words[count] != NULL; count++) {
        CHECK(count + 2 < CHILD_ARGUMENTS_MAX);
        all[count] = words[count];
    }
    all[count++] = "--data";
    all[count] = folder;
    BUF_SCOPE struct buf path;
    buf_init(&path, 4096);
    stage_path(&demo->stage, name, &path);
    const char *file = buf_terminated(&path);
    const struct child_files files = { .output = file };
    out_child->pid = 0;
    return child_start(all, &files, out_child, &demo->error);
}

enum status demo_start(struct demo *demo, const char *const *words, const char *name,
                       struct child *out_child)
{
    return start_in(demo, buf_terminated(&demo->stage.data), words, name, out_child);
}

void demo_show_file(struct demo *demo, const char *name)
{
    BUF_SCOPE struct buf path;
    buf_init(&path, 4096);
    stage_path(&demo->stage, name, &path);
    FILE *file = fopen(buf_terminated(&path), "re");
    char line[1024];
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        (void)fprintf(demo->out, "%s%s", line[0] == '\n' ? "" : "   ", line);
    if (file != NULL) (void)fclose(file); /* only read */
}

enum status demo_answer_read(struct demo *demo, const char *name, struct arena *arena,
                             struct answer_object *out_object)
{
    BUF_SCOPE struct buf path;
    buf_init(&path, 4096);
    stage_path(&demo->stage, name, &path);
    char *text = arena_take(arena, DEMO_FILE_SIZE_MAX);
    FILE *file = fopen(buf_terminated(&path), "re");
    size_t len = file == NULL || text == NULL ? 0 : fread(text, 1, DEMO_FILE_SIZE_MAX, file);
    if (file != NULL) (void)fclose(file); /* only read */
    enum status status = answer_read((struct str){ text, len }, arena, out_object);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(&demo->error, STATUS_UNAVAILABLE, "a command said nothing of use: see '%s'",
                     buf_terminated(&path));
}

enum status demo_run(struct demo *demo, const char *const *words)
{
    return demo_run_in(demo, buf_terminated(&demo->stage.data), words, EXIT_CODE_DONE);
}

enum status demo_run_in(struct demo *demo, const char *folder, const char *const *words,
                        enum exit_code code)
{
    struct child child;
    words_show(demo, words);
    enum status status = start_in(demo, folder, words, "output", &child);
    if (status != STATUS_OK) return status;
    int ended = child_wait(&child);
    demo_show_file(demo, "output");
    BUF_SCOPE struct buf path;
    buf_init(&path, 4096);
    stage_path(&demo->stage, "output", &path);
    (void)remove(buf_terminated(&path)); /* the next one appends */
    if (ended == (int)code) return STATUS_OK;
    return error_set(&demo->error, STATUS_UNAVAILABLE, "'%s' ended with exit code %d", words[0],
                     ended);
}

static enum status begin(struct demo *demo)
{
    enum status status = stage_open("demo", invocation_has(demo->invocation, "keep"), NULL,
                                    &demo->stage, &demo->error);
    if (status != STATUS_OK) return status;
    status = stage_serve(&demo->stage, serve_options, &demo->error);
    if (status != STATUS_OK) return status;
    demo->start_ms = demo->stage.start_ns / (uint64_t)NS_PER_MS;
    (void)fprintf(demo->out,
                  "A ledger in %s, served on http://%s after %llu ms\n"
                  "(one node, SQLite underneath: every answer is on disk before it is given)\n\n",
                  buf_terminated(&demo->stage.data), buf_terminated(&demo->stage.address),
                  (unsigned long long)demo->start_ms);
    return STATUS_OK;
}

static enum status verify(struct demo *demo)
{
    static const char *const trial_balance[] = { "trial-balance", NULL };
    static const char *const check[] = { "check", NULL };
    (void)fprintf(demo->out, "\nDebits equal credits, over every account of an asset:\n\n");
    enum status status = demo_run(demo, trial_balance);
    if (status != STATUS_OK) return status;
    int code = stage_stop(&demo->stage);
    if (code != EXIT_CODE_DONE)
        return error_set(&demo->error, STATUS_UNAVAILABLE, "the server ended with exit code %d",
                         code);
    (void)fprintf(demo->out,
                  "\nThe server was told to stop, and did. Every record, digest, balance and "
                  "index, against the journal:\n\n");
    return demo_run(demo, check);
}

static void number(struct json_writer *writer, struct str name, uint64_t value)
{
    json_write_key(writer, name);
    json_write_uint64(writer, value);
}

static int figures_report(const struct demo *demo)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    number(&writer, STR("accounts"), demo->accounts);
    number(&writer, STR("transfers"), demo->transfers);
    number(&writer, STR("done"), demo->done);
    number(&writer, STR("refused"), demo->refused);
    number(&writer, STR("start_ms"), demo->start_ms);
    number(&writer, STR("kills"), demo->kills);
    number(&writer, STR("recovery_ms_max"), demo->recovery_ms_max);
    number(&writer, STR("accounts_per_second"), demo->accounts_per_second);
    number(&writer, STR("transfers_per_second"), demo->transfers_per_second);
    number(&writer, STR("repeats_per_second"), demo->repeat_per_second);
    number(&writer, STR("head_before"), demo->head_before);
    number(&writer, STR("head_after"), demo->head_after);
    number(&writer, STR("payments"), demo->payments_made);
    number(&writer, STR("payments_manual"), demo->payments_manual);
    number(&writer, STR("payments_in_flight"), demo->payments_in_flight);
    number(&writer, STR("payments_ms"), demo->payments_ms);
    number(&writer, STR("elapsed_ms"), demo->elapsed_ms);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(&out, '\n');
    return report_text(demo->invocation, buf_view(&out));
}

static void end(struct demo *demo)
{
    (void)fprintf(
        demo->out,
        "\nIn this run of %llu.%llu s:\n"
        "   wallets with openings   %9llu a second\n"
        "   transfers, imported     %9llu a second, %llu kills and their recovery included\n"
        "   transfers, repeated     %9llu a second, each looked up on disk\n"
        "   back after kill -9      %9llu ms at most\n"
        "   the day of payments     %9llu ms for %llu payments, %llu left for a person\n",
        (unsigned long long)(demo->elapsed_ms / 1000),
        (unsigned long long)(demo->elapsed_ms % 1000 / 100),
        (unsigned long long)demo->accounts_per_second,
        (unsigned long long)demo->transfers_per_second, (unsigned long long)demo->kills,
        (unsigned long long)demo->repeat_per_second, (unsigned long long)demo->recovery_ms_max,
        (unsigned long long)demo->payments_ms, (unsigned long long)demo->payments_made,
        (unsigned long long)demo->payments_manual);
    (void)fprintf(demo->out,
                  "\nTry next:\n"
                  "   tpwallet init && tpwallet key create me && tpwallet serve --plain\n"
                  "   tpwallet help import         bring in data of your own\n"
                  "   tpwallet sandbox             a PSP and bank to try payments against\n"
                  "   tpwallet help payment create pay in, pay out, reserve, refund, exchange\n"
                  "   tpwallet help story          what is known of one payment\n"
                  "   tpwallet help doctor         evidence, causes, repairs and their proof\n"
                  "   tpwallet exam --seeds 0..77  how often the doctor is right\n"
                  "   tpwallet bench ledger        how fast it is in process\n"
                  "   tpwallet bench api           how fast over HTTP\n"
                  "   tpwallet sim --seeds 0..99   crashes and faults that no machine shows\n");
}

static enum status options_read(struct demo *demo)
{
    const struct invocation *invocation = demo->invocation;
    enum status status =
        invocation_number(invocation, "accounts", (struct number_range){ 100, 1000000 },
                          &demo->accounts, &demo->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "transfers", (struct number_range){ 100, 10000000 },
                                   &demo->transfers, &demo->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "kills", (struct number_range){ 0, 1000 },
                                   &demo->kills_wanted, &demo->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "payments",
                                   (struct number_range){ 100, DEMO_PAYMENTS_MAX - 1 },
                                   &demo->payments, &demo->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "seed", (struct number_range){ 0, UINT64_MAX },
                                   &demo->seed, &demo->error);
    return status;
}

static int demo_command_run(struct invocation *invocation)
{
    struct demo demo = { .invocation = invocation, .out = invocation->json ? stderr : stdout };
    int64_t from = clock_monotonic(system_clock()).ns;
    enum status status = options_read(&demo);
    if (status != STATUS_OK) return report_error(invocation, &demo.error);
    if (setvbuf(demo.out, NULL, _IOLBF, 0) != 0) return EXIT_CODE_UNAVAILABLE;
    status = begin(&demo);
    if (status == STATUS_OK) status = demo_import(&demo);
    if (status == STATUS_OK) status = demo_story(&demo);
    if (status == STATUS_OK) status = verify(&demo);
    if (status == STATUS_OK) status = demo_payments(&demo);
    if (status == STATUS_OK) status = verify(&demo);
    if (status == STATUS_OK) status = demo_reserves(&demo);
    if (status == STATUS_OK) status = demo_log(&demo);
    if (status == STATUS_OK) status = demo_doctor(&demo);
    demo.elapsed_ms = (uint64_t)((clock_monotonic(system_clock()).ns - from) / NS_PER_MS);
    int code = EXIT_CODE_DONE;
    if (status == STATUS_OK) {
        end(&demo);
        if (invocation->json) code = figures_report(&demo);
    } else {
        demo.stage.keep = true; /* to be looked at */
        code = report_error(invocation, &demo.error);
    }
    if (demo.stage.keep && demo.stage.folder.len > 0)
        (void)fprintf(demo.out, "kept: %s\n", buf_terminated(&demo.stage.folder));
    stage_close(&demo.stage);
    return code;
}

static const struct option options[] = {
    { "accounts", "COUNT", "wallets of the made-up bank", "20000" },
    { "transfers", "COUNT", "its transfers", "120000" },
    { "kills", "COUNT", "how often the server is killed under load", "5" },
    { "payments", "COUNT", "of a day through the sandbox, with one more kill", "400" },
    { "seed", "NUMBER", "of the made-up data", "1" },
    { "report", "FILE", "where the doctor's report goes, a new file of HTML; not kept without it",
      NULL },
    { "keep", NULL, "leave the folders for a look at them: the bank's and the doctor's", NULL },
    { 0 },
};

const struct command command_demo = {
    .name = "demo",
    .summary = "show what it does in one run, in a folder of its own",
    .details =
        "Makes a ledger, serves it, brings in the wallets and transfers of a made-up bank "
        "while the server is killed again and again, brings them in once more (nothing "
        "changes), tells the story of one payment with the balance at every position, "
        "and verifies everything. Then a day of payments of every kind through a sandbox "
        "PSP that loses answers, fails and declines, with one more kill: when all have come "
        "to rest the day is settled, the wallet's books are compared with the sandbox's, "
        "and one broken payment tells its story. At last a wallet's balance is proven to be in the "
        "signed total of what customers are owed, that payment's receipt is verified offline, and a "
        "copy with one byte of the journal changed is found out. Every figure is measured in the run that prints it.",
    .options = options,
    .examples = "demo\ndemo --transfers 1M --kills 20",
    .run = demo_command_run,
};
