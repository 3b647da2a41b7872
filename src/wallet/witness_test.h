/* witness_test.h - for tests: a witness without tasks, over a store in memory that fails when told. */
#ifndef WALLET_WITNESS_TEST_H
#define WALLET_WITNESS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "port/sync_test.h"
#include "tlog/note_test.h"
#include "wallet/witness.h"

enum { RIG_LOGS_MAX = 4, RIG_NOW_S = 1700000000 };

/* What the next write does. */
enum rig_write { RIG_WRITES, RIG_FULL, RIG_DOUBT_DONE, RIG_DOUBT_LOST };

struct rig_store {
    struct witness_store port; /* first */
    enum rig_write next;
    uint32_t writes;
    uint32_t count;
    struct str origins[RIG_LOGS_MAX];
    char notes[RIG_LOGS_MAX][WITNESS_STORE_NOTE_SIZE_MAX];
    size_t sizes[RIG_LOGS_MAX];
};

struct rig_log {
    struct log port; /* first */
    uint32_t lines[LOG_ALARM + 1];
};

struct witness_rig {
    struct rig_store store;
    struct stepped_sync sync;
    struct stepped_clock clock;
    struct rig_log log;
    struct note_signer signer;
    struct note_key keys[RIG_LOGS_MAX];
    uint32_t key_count;
    struct witness *witness;
};

static inline int rig_place(struct rig_store *store, struct str origin)
{
    for (uint32_t i = 0; i < store->count; i++) {
        if (str_equal(store->origins[i], origin)) return (int)i;
    }
    return -1;
}

static inline enum status rig_read(struct witness_store *port, struct str origin,
                                   struct buf *out_note, struct error *out_error)
{
    (void)out_error; /* nothing fails */
    struct rig_store *store = (struct rig_store *)port;
    int at = rig_place(store, origin);
    if (at < 0) return STATUS_NOT_FOUND;
    buf_reset(out_note);
    buf_append(out_note, store->notes[at], store->sizes[at]);
    return buf_status(out_note);
}

static inline enum status rig_write(struct witness_store *port, struct str origin, struct str note,
                                    struct error *out_error)
{
    struct rig_store *store = (struct rig_store *)port;
    enum rig_write how = store->next;
    store->writes++;
    store->next = RIG_WRITES;
    if (how == RIG_FULL) return error_set(out_error, STATUS_LIMIT, "told to");
    if (how == RIG_DOUBT_LOST) return error_set(out_error, STATUS_IN_DOUBT, "told to");
    int at = rig_place(store, origin);
    if (at < 0) {
        assert_true(store->count < RIG_LOGS_MAX);
        at = (int)store->count++;
        store->origins[at] = origin; /* a view into the witness's own key */
    }
    assert_true(note.len <= sizeof store->notes[at]);
    memcpy(store->notes[at], note.data, note.len);
    store->sizes[at] = note.len;
    if (how == RIG_WRITES) return STATUS_OK;
    return error_set(out_error, STATUS_IN_DOUBT, "told to");
}

static inline void rig_store_close(struct witness_store *port)
{
    (void)port; /* the rig's */
}

static inline void rig_line(struct log *log, const struct log_line *line)
{
    ((struct rig_log *)log)->lines[line->level]++;
}

static inline enum status rig_open(struct witness_rig *rig)
{
    const struct witness_ports ports = { &rig->sync.port, &rig->clock.port, &rig->log.port,
                                         &rig->store.port };
    const struct witness_options options = { &rig->signer, rig->keys, rig->key_count };
    struct error error = { 0 };
    return witness_open(&ports, &options, &rig->witness, &error);
}

/* A witness called `name` for one log. */
static inline struct witness_rig *rig_new(const char *name, const struct note_key *log)
{
    struct witness_rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    rig->store.port = (struct witness_store){ rig_read, rig_write, rig_store_close };
    rig->sync = (struct stepped_sync)STEPPED_SYNC;
    rig->clock = (struct stepped_clock)STEPPED_CLOCK(RIG_NOW_S * NS_PER_S);
    rig->log.port.write = rig_line;
    test_signer(&rig->signer, name, NOTE_COSIGNATURE, (uint8_t)name[strlen(name) - 1]);
    rig->keys[0] = *log;
    rig->key_count = 1;
    assert_int_equal(rig_open(rig), STATUS_OK);
    return rig;
}

/* What was stored is still there. */
static inline enum status rig_restart(struct witness_rig *rig)
{
    witness_close(rig->witness);
    rig->witness = NULL;
    return rig_open(rig);
}

static inline void rig_free(struct witness_rig *rig)
{
    witness_close(rig->witness);
    note_signer_done(&rig->signer);
    free(rig);
}

#endif
