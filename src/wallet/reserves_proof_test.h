/* reserves_proof_test.h - for tests: a log of one leaf, and a snapshot of three customers under it. */
#ifndef WALLET_RESERVES_PROOF_TEST_H
#define WALLET_RESERVES_PROOF_TEST_H

#include <stdlib.h>

#include "base/base64.h"
#include "base/check.h"
#include "tlog/note_test.h"
#include "wallet/reserves_book.h"
#include "wallet/reserves_proof.h"

enum { RESERVES_TEST_CUSTOMERS = 3 };

struct reserves_scene {
    struct note_signer signer;
    struct reserves_reading reading; /* by hand, without a map */
    struct reserves_standing standings[RESERVES_TEST_CUSTOMERS + 3];
    struct reserves_book book;
    struct reserves_statement statement;
    struct leaf leaf;
    struct buf note;
    struct buf leaf_text;
    struct buf checkpoint;
    struct buf proof_text;
    struct reserves_snapshot snapshot; /* views into the above */
};

static inline struct account_id reserves_test_id(uint64_t number)
{
    return (struct account_id){ { .lo = number, .hi = 7 } };
}

static inline void reserves_test_stand(struct reserves_scene *scene, uint32_t kind, uint64_t debits,
                                       uint64_t credits)
{
    struct reserves_standing *standing = &scene->standings[scene->reading.count++];
    *standing = (struct reserves_standing){ .id = reserves_test_id(100 - scene->reading.count),
                                            .kind = kind };
    standing->balance.debits_posted = money_from_minor(debits);
    standing->balance.credits_posted = money_from_minor(credits);
}

/* Alice 10.50, Bob nothing, Carol 0.02; Dave owes 3.00; a bank and suspense are ours. */
static inline void reserves_test_read(struct reserves_scene *scene)
{
    scene->reading = (struct reserves_reading){
        .asset = *asset_iso_by_code(STR("EUR")),
        .at = { 12, 3 },
        .index = 0,
        .standings = scene->standings,
    };
    reserves_test_stand(scene, ACCOUNT_LIABILITY, 50, 1100);
    reserves_test_stand(scene, ACCOUNT_LIABILITY, 7, 7);
    reserves_test_stand(scene, ACCOUNT_LIABILITY, 0, 2);
    reserves_test_stand(scene, ACCOUNT_LIABILITY, 400, 100);
    reserves_test_stand(scene, ACCOUNT_ASSET, 1000, 0);
    reserves_test_stand(scene, ACCOUNT_LIABILITY, 0, 30);
}

static inline void reserves_test_accounts(struct reserves_statement *statement)
{
    statement->account_count = 3;
    statement->accounts[0] = (struct reserve_account){ .role = RESERVE_BANK,
                                                       .id = reserves_test_id(95),
                                                       .debits = money_from_minor(1010),
                                                       .credits = money_from_minor(10) };
    statement->accounts[1] = (struct reserve_account){ .role = RESERVE_CLEARING,
                                                       .psp = "sandbox",
                                                       .id = reserves_test_id(1000),
                                                       .debits = money_from_minor(90),
                                                       .credits = money_from_minor(8) };
    statement->accounts[2] = (struct reserve_account){ .role = RESERVE_SUSPENSE,
                                                       .id = reserves_test_id(94),
                                                       .credits = money_from_minor(30) };
}

/* One leaf, so that its hash is the root and its proof is empty. */
static inline void reserves_test_log(struct reserves_scene *scene)
{
    const struct leaf_head head = {
        .lane = 0, .batch = 12, .unit = 3, .stamp = { INT64_C(1700000000) * 1000000000 }
    };
    leaf_begin(&scene->leaf, &head);
    scene->leaf.head.part_count = 2;
    struct str entry = leaf_bytes(&scene->leaf);
    scene->statement.log.size = 1;
    scene->statement.log.root = tree_leaf(entry.data, entry.len);
    base64_append(&scene->leaf_text, entry.data, entry.len);
    const struct checkpoint checkpoint = { .origin = note_key_name(&scene->signer.key),
                                           .head = scene->statement.log };
    struct buf text;
    buf_init(&text, CHECKPOINT_TEXT_SIZE_MAX);
    enum status status = checkpoint_format(&checkpoint, &text);
    CHECK(status == STATUS_OK);
    note_begin(&scene->checkpoint, buf_view(&text));
    note_sign(&scene->checkpoint, buf_view(&text), &scene->signer);
    buf_free(&text);
    const struct proof proof = { .checkpoint = buf_view(&scene->checkpoint) };
    proof_format(&proof, &scene->proof_text);
}

/* Signs the statement as it stands now. */
static inline void reserves_test_sign(struct reserves_scene *scene)
{
    buf_reset(&scene->note);
    reserves_statement_sign(&scene->statement, &scene->signer, &scene->note);
    scene->snapshot =
        (struct reserves_snapshot){ buf_view(&scene->note), buf_view(&scene->leaf_text),
                                    buf_view(&scene->proof_text) };
}

static inline void reserves_test_open(struct reserves_scene *scene)
{
    const uint8_t key[SUM_KEY_SIZE] = { 9, 8, 7 };
    const struct reserves_book_options options = { 2, reserves_test_id(94), key };
    *scene = (struct reserves_scene){ 0 };
    test_signer(&scene->signer, "example.com/0", NOTE_ED25519, 3);
    buf_init(&scene->note, RESERVES_NOTE_SIZE_MAX);
    buf_init(&scene->leaf_text, BASE64_TEXT_SIZE(sizeof(struct leaf)));
    buf_init(&scene->checkpoint, NOTE_SIZE_MAX);
    buf_init(&scene->proof_text, PROOF_SIZE_MAX);
    reserves_test_read(scene);
    enum status status =
        reserves_book_new(reserves_book_size(scene->reading.count), &scene->book, NULL);
    if (status == STATUS_OK) {
        status =
            reserves_book_fill(&scene->book, &scene->reading, &options, &scene->statement, NULL);
    }
    if (status == STATUS_OK) status = reserves_book_open(&scene->book, NULL);
    if (status == STATUS_OK) status = reserves_book_build(&scene->book, NULL);
    CHECK(status == STATUS_OK);
    scene->statement.tree = sum_tree_head(&scene->book.tree);
    scene->statement.key = reserves_key_digest(&scene->book.key);
    reserves_test_accounts(&scene->statement);
    reserves_test_log(scene);
    reserves_test_sign(scene);
}

static inline void reserves_test_close(struct reserves_scene *scene)
{
    reserves_book_close(&scene->book);
    note_signer_done(&scene->signer);
    buf_free(&scene->note);
    buf_free(&scene->leaf_text);
    buf_free(&scene->checkpoint);
    buf_free(&scene->proof_text);
}

/* The proof of the account that was made as number `number`, from 0. */
static inline struct reserves_proof reserves_test_prove(struct reserves_scene *scene,
                                                        uint32_t number, struct sum_proof *sums)
{
    uint64_t index = 0;
    bool found = reserves_book_find(&scene->book, scene->standings[number].id, &index);
    CHECK(found);
    const struct sum_liability *liability = &reserves_book_liabilities(&scene->book)[index];
    sum_tree_prove(&scene->book.tree, index, liability, sums);
    return (struct reserves_proof){
        .account = liability->account,
        .balance = liability->balance,
        .asset = scene->statement.asset,
        .height = scene->statement.tree.height,
        .sums = sums,
        .snapshot = scene->snapshot,
    };
}

#endif
