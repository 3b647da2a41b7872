/* One wallet's proof that its balance is in the signed total of what customers are owed. */
#include "adapter/log_keys.h"
#include "base/arena.h"
#include "base/check.h"
#include "cmd/demo.h"

enum { WORDS_SIZE_MAX = 4096 };

/* In a process of its own, as a person would; its answer goes to the file `name` of the stage. */
static enum status run(struct demo *demo, const char *const *words, const char *name)
{
    struct child child;
    enum status status = demo_start(demo, words, name, &child);
    if (status != STATUS_OK) return status;
    int code = child_wait(&child);
    if (code == EXIT_CODE_DONE) return STATUS_OK;
    return error_set(&demo->error, STATUS_UNAVAILABLE, "'%s %s' ended with exit code %d", words[0],
                     words[1], code);
}

static enum status verify(struct demo *demo, const char *proof)
{
    struct log_keys keys = { 0 };
    char key[NOTE_KEY_TEXT_SIZE + 1] = { 0 };
    enum status status = log_keys_read(buf_terminated(&demo->stage.data), &keys, &demo->error);
    if (status != STATUS_OK) return status;
    struct str text = note_key_format(&keys.signer.key, key);
    key[text.len] = '\0';
    log_keys_done(&keys);
    const char *const words[] = { "reserves", "verify", proof, "--key", key, "--json", NULL };
    return run(demo, words, "verified");
}

static enum status told(struct demo *demo)
{
    struct arena arena;
    struct answer_object verified;
    enum status status = arena_init(&arena, 4 * (size_t)DEMO_FILE_SIZE_MAX);
    if (status != STATUS_OK) return error_set(&demo->error, status, "no memory");
    status = demo_answer_read(demo, "verified", &arena, &verified);
    if (status == STATUS_OK) {
        struct str asset = answer_text(&verified, "asset");
        (void)fprintf(demo->out,
                      "\nThe proof that a wallet's %.*s %.*s are in the signed total of %.*s %.*s "
                      "owed to customers: verified, with the log's key and no ledger\n",
                      STR_ARG(answer_text(&verified, "balance")), STR_ARG(asset),
                      STR_ARG(answer_text(&verified, "total")), STR_ARG(asset));
    }
    arena_done(&arena);
    return status;
}

enum status demo_reserves(struct demo *demo)
{
    char wallet[UUID_TEXT_LEN + 1];
    BUF_SCOPE struct buf folder;
    BUF_SCOPE struct buf proof;
    buf_init(&folder, WORDS_SIZE_MAX);
    buf_init(&proof, WORDS_SIZE_MAX);
    stage_path(&demo->stage, "reserves", &folder);
    stage_path(&demo->stage, "proof", &proof);
    uuid_format(demo->wallet, wallet);
    const char *const snapshot[] = { "reserves", "snapshot", "--psp",
                                     "sandbox",  "--out",    buf_terminated(&folder),
                                     NULL };
    const char *const prove[] = { "reserves",
                                  "prove",
                                  wallet,
                                  "--snapshot",
                                  buf_terminated(&folder),
                                  "--out",
                                  buf_terminated(&proof),
                                  NULL };
    enum status status = run(demo, snapshot, "reserves.out");
    if (status == STATUS_OK) status = run(demo, prove, "reserves.out");
    if (status == STATUS_OK) status = verify(demo, buf_terminated(&proof));
    return status == STATUS_OK ? told(demo) : status;
}
