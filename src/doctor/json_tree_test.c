/*
 * Goal: a tree holds what the document holds, in its order; what is none gives none.
 * Method: a document looked at node by node; broken ones; an arena that is too small.
 */
#include "doctor/json_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_tree_holds_what_the_document_holds(void **state)
{
    (void)state; /* no fixture */
    struct arena arena;
    struct error error;
    const struct json_node *root;
    assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
    const struct str text =
        STR("{\"a\":\"x\\n\",\"b\":[1,{\"c\":true},null],\"d\":{},\"e\":-1.5e3}");
    assert_int_equal(json_tree_parse(text, &arena, &root, &error), STATUS_OK);
    assert_int_equal(root->count, 4);
    assert_true(str_equal(json_tree_text(root, "a"), STR("x\n")));
    assert_true(str_equal(json_tree_text(root, "e"), STR("-1.5e3")));
    const struct json_node *item = json_tree_items(root, "b");
    assert_true(str_equal(item->text, STR("1")));
    assert_true(str_equal(json_tree_text(item->next, "c"), STR("true")));
    assert_int_equal(item->next->next->type, JSON_NULL);
    assert_null(item->next->next->next);
    assert_null(json_tree_items(root, "d"));
    assert_null(json_tree_member(root, "z"));
    assert_null(json_tree_member(NULL, "z"));
    assert_int_equal(json_tree_text(item, "z").len, 0);
    arena_done(&arena);
}

static void what_is_none_gives_none(void **state)
{
    (void)state; /* no fixture */
    static const char *const texts[] = { "", "{", "[1,]", "{\"a\":1}x", "{\"a\":}" };
    struct arena arena;
    struct error error;
    const struct json_node *root = NULL;
    assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        arena_reset(&arena);
        if (json_tree_parse(str_from(texts[i]), &arena, &root, &error) != STATUS_INVALID)
            fail_msg("%s", texts[i]);
    }
    arena_done(&arena);
    assert_int_equal(arena_init(&arena, 64), STATUS_OK);
    assert_int_equal(json_tree_parse(STR("[1,2,3]"), &arena, &root, &error), STATUS_INVALID);
    assert_null(root);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_holds_what_the_document_holds),
        cmocka_unit_test(what_is_none_gives_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
