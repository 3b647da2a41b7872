/* note_test.h - for tests: signers of the log and of witnesses that are always the same. */
#ifndef TLOG_NOTE_TEST_H
#define TLOG_NOTE_TEST_H

#include <string.h>

#include "base/check.h"
#include "tlog/note.h"

static inline void test_signer(struct note_signer *signer, const char *name, enum note_kind kind,
                               uint8_t seed_byte)
{
    uint8_t seed[ED25519_SEED_SIZE];
    memset(seed, seed_byte, sizeof seed);
    enum status status = note_signer_make(str_from(name), kind, seed, signer);
    CHECK(status == STATUS_OK);
}

#endif
