/* The text of doctor/rules, put together by tools/rules.py; as it is, since megabytes in an
 * initialiser take the compiler long. */
#include "doctor/rules_builtin.h"

__asm__(".section .rodata\n"
        ".global rules_text_start\n"
        ".global rules_text_end\n"
        "rules_text_start:\n"
        ".incbin \"" RULES_TEXT "\"\n"
        "rules_text_end:\n"
        ".byte 0\n"
        ".text\n");

extern const char rules_text_start[];
extern const char rules_text_end[];

struct str rules_builtin(void)
{
    return (struct str){ rules_text_start, (size_t)(rules_text_end - rules_text_start) };
}
