/* Appends a line and stops the world. */
#include "sim/verdict.h"

#include "base/check.h"

void verdict_init(struct verdict *verdict, struct world *world)
{
    *verdict = (struct verdict){ .world = world };
    buf_init(&verdict->text, VERDICT_TEXT_SIZE);
}

void verdict_done(struct verdict *verdict)
{
    buf_free(&verdict->text);
}

void verdict_violation(struct verdict *verdict, const char *format, ...)
{
    CHECK(format != NULL);
    verdict->violations++;
    va_list arguments;
    va_start(arguments, format);
    buf_append_format(&verdict->text,
                      "  at %lld us: ", (long long)(world_now(verdict->world).ns / NS_PER_US));
    buf_append_format_list(&verdict->text, format, arguments);
    buf_append_str(&verdict->text, STR("\n"));
    va_end(arguments);
    world_stop(verdict->world);
}
