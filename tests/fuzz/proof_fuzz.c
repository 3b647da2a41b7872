/*
 * Goal: whatever bytes come as a proof file, they are refused, or there are no others for it; and
 * nothing is proven that nobody signed.
 * Method: what is accepted is written again and compared, and verified with a key that signed
 * nothing.
 */
#include <stdint.h>

#include "base/check.h"
#include "tlog/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    struct proof proof;
    struct error error;
    if (proof_parse(input, &proof, &error) != STATUS_OK) return 0;
    struct buf again;
    buf_init(&again, PROOF_SIZE_MAX);
    proof_format(&proof, &again);
    CHECK(str_equal(buf_view(&again), input));
    buf_free(&again);

    const struct note_key key = { .kind = NOTE_ED25519, .name_len = 1, .name = { 'a' } };
    const struct proof_trust trust = { .log = &key, .origin = STR("a") };
    const struct digest leaf = { { 0 } };
    struct proof_facts facts;
    CHECK(proof_verify(&proof, &leaf, &trust, &facts, &error) != STATUS_OK);
    /* The path by itself, as if its tree were of any size. */
    struct tree_head head = { .size = proof.index + size };
    CHECK(tree_verify_inclusion(&head, proof.index, &leaf, &proof.inclusion, &error) != STATUS_OK);
    return 0;
}
