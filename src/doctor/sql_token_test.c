/*
 * Goal: a statement falls into its words, names, strings and numbers as PostgreSQL has them.
 * Method: statements in a table, and their tokens as one text.
 */
#include "doctor/sql_token.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/buf.h"

static void statements_and_their_tokens(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *statement;
        const char *tokens; /* W word, N name, S string, # number, M mark, ! broken */
    } cases[] = {
        { "", "" },
        { "COPY Public.\"My \"\"T\" (a,b)", "W:copy W:public M:. N:My \"T M:( W:a M:, W:b M:) " },
        { "'it''s' '' 12.5 -3 1e5 - x", "S:it's S: #:12.5 #:-3 #:1e5 M:- W:x " },
        { "E'a\\nb\\'c\\101\\q' e''", "S:a\nb'cAq S: " },
        { "'a\\nb'", "S:a\\nb " },
        { "$$a;'b$$ $t$ $$ $t$", "S:a;'b S: $$  " },
        { "x::text", "W:x M:: M:: W:text " },
        { "'open", "!" },
        { "E'open\\'", "!" },
        { "\"open", "!" },
        { "$t$ open $u$", "!" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const char letters[] = "_WNS#M!";
        struct sql_tokens tokens;
        struct sql_token token;
        struct arena arena;
        BUF_SCOPE struct buf seen;
        buf_init(&seen, 4096);
        assert_int_equal(arena_init(&arena, 4096), 0);
        sql_tokens_init(&tokens, str_from(cases[i].statement), &arena);
        while ((token = sql_token_take(&tokens)).kind != SQL_TOKEN_END) {
            buf_append_byte(&seen, (uint8_t)letters[token.kind]);
            if (token.kind == SQL_TOKEN_BROKEN) break;
            buf_append_format(&seen, ":%.*s ", STR_ARG(token.text));
        }
        if (!str_equal(buf_view(&seen), str_from(cases[i].tokens)))
            print_message("%s: %s\n", cases[i].statement, buf_terminated(&seen));
        assert_true(str_equal(buf_view(&seen), str_from(cases[i].tokens)));
        arena_done(&arena);
    }
}

static void what_is_asked_for_is_taken_when_it_is_there(void **state)
{
    (void)state; /* no fixture */
    struct sql_tokens tokens;
    struct str name;
    struct arena arena;
    assert_int_equal(arena_init(&arena, 4096), 0);
    sql_tokens_init(&tokens, STR("INTO \"into\" ("), &arena);
    assert_false(sql_token_is(&tokens, "from"));
    assert_true(sql_token_is(&tokens, "into"));
    assert_false(sql_token_is(&tokens, "into")); /* a name that is quoted is no keyword */
    assert_true(sql_token_name(&tokens, &name) && str_equal(name, STR("into")));
    assert_false(sql_token_name(&tokens, &name));
    assert_true(sql_token_is(&tokens, "("));
    assert_int_equal(sql_token_take(&tokens).kind, SQL_TOKEN_END);
    assert_int_equal(sql_token_take(&tokens).kind, SQL_TOKEN_END);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_and_their_tokens),
        cmocka_unit_test(what_is_asked_for_is_taken_when_it_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
