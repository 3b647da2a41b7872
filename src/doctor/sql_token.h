/* sql_token.h - a statement of SQL as PostgreSQL writes it, taken apart word by word. */
#ifndef DOCTOR_SQL_TOKEN_H
#define DOCTOR_SQL_TOKEN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

enum sql_token_kind {
    SQL_TOKEN_END,
    SQL_TOKEN_WORD,   /* a keyword or name, in small letters */
    SQL_TOKEN_NAME,   /* a name that stood in double quotes */
    SQL_TOKEN_STRING, /* '…', E'…', $$…$$, decoded */
    SQL_TOKEN_NUMBER, /* as written, with its sign */
    SQL_TOKEN_MARK,   /* one byte */
    SQL_TOKEN_BROKEN, /* nothing that is SQL: a quote that does not end, memory that is lacking */
};

struct sql_token {
    enum sql_token_kind kind;
    struct str text; /* a view into the statement or the arena */
};

struct sql_tokens {
    struct str rest;
    struct arena *arena;
    struct sql_token next; /* looked at, not taken */
};

/* The arena needs the statement's size and 16 bytes for each token. */
void sql_tokens_init(struct sql_tokens *tokens, struct str statement, struct arena *arena);
/* Takes the next one. At the end, and after BROKEN, it stays what it is. */
struct sql_token sql_token_take(struct sql_tokens *tokens);
/* Takes it when it is this word (in small letters) or mark. */
bool sql_token_is(struct sql_tokens *tokens, const char *text);
/* Takes a name, quoted or not. */
bool sql_token_name(struct sql_tokens *tokens, struct str *out_name);

#endif
