/* Bounded texts; cutting a message short is better than losing the error. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 0))) static void text_set(char text[ERROR_TEXT_SIZE],
                                                           const char *format, va_list arguments)
{
    int length = vsnprintf(text, ERROR_TEXT_SIZE, format, arguments);
    if (length < 0) text[0] = '\0';
}

enum status error_set(struct error *error, enum status status, const char *format, ...)
{
    if (error == NULL) return status;
    error->status = status;
    error->detail[0] = '\0';
    error->hint[0] = '\0';
    va_list arguments;
    va_start(arguments, format);
    text_set(error->message, format, arguments);
    va_end(arguments);
    return status;
}

void error_detail(struct error *error, const char *format, ...)
{
    if (error == NULL) return;
    va_list arguments;
    va_start(arguments, format);
    text_set(error->detail, format, arguments);
    va_end(arguments);
}

void error_hint(struct error *error, const char *format, ...)
{
    if (error == NULL) return;
    va_list arguments;
    va_start(arguments, format);
    text_set(error->hint, format, arguments);
    va_end(arguments);
}
