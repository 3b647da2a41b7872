/* Maps what the layers below say to the numbers that scripts see. */
#include "cmd/exit_code.h"

#include "base/check.h"

const char *exit_code_text(int code)
{
    static const char *const texts[] = {
#define EXIT_CODE_TEXT(name, number, text) [number] = (text),
        EXIT_CODE_TABLE(EXIT_CODE_TEXT)
#undef EXIT_CODE_TEXT
    };
    CHECK(code >= 0);
    CHECK(code < EXIT_CODE_COUNT);
    return texts[code];
}

enum exit_code exit_code_of_status(enum status status)
{
    switch (status) {
    case STATUS_OK: return EXIT_CODE_DONE;
    case STATUS_INVALID: return EXIT_CODE_USAGE;
    case STATUS_NOT_FOUND: return EXIT_CODE_NOT_FOUND;
    case STATUS_CONFLICT: return EXIT_CODE_CONFLICT;
    case STATUS_LIMIT: return EXIT_CODE_LIMIT;
    case STATUS_CORRUPT: return EXIT_CODE_DAMAGED;
    case STATUS_DENIED: return EXIT_CODE_DENIED;
    case STATUS_UNAVAILABLE:
    case STATUS_IN_DOUBT:
    case STATUS_FENCED:
    case STATUS_TIMEOUT:
    case STATUS_STOPPED: return EXIT_CODE_UNAVAILABLE;
    case STATUS_COUNT: break;
    }
    CHECK(status < STATUS_COUNT);
    return EXIT_CODE_UNAVAILABLE;
}

enum exit_code exit_code_of_http(unsigned http_status)
{
    if (http_status >= 200 && http_status < 300) return EXIT_CODE_DONE;
    switch (http_status) {
    case 401:
    case 403: return EXIT_CODE_DENIED;
    case 404: return EXIT_CODE_NOT_FOUND;
    case 409: return EXIT_CODE_CONFLICT;
    case 422: return EXIT_CODE_REFUSED;
    case 413:
    case 431:
    case 507: return EXIT_CODE_LIMIT;
    case 429:
    case 503:
    case 504: return EXIT_CODE_UNAVAILABLE;
    case 500: return EXIT_CODE_DAMAGED;
    default: return http_status >= 500 ? EXIT_CODE_UNAVAILABLE : EXIT_CODE_USAGE;
    }
}
