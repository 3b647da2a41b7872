/*
 * Goal: every request that is sent to Stripe is one that Stripe's published API accepts.
 * Method: Stripe's own stateless mock, built from the Go module proxy, checks each request against
 * the API's description of the pinned version, and refuses unknown fields and versions. What it
 * answers are fixtures: only the status is looked at. Skipped when there is no Go or no network.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/stripe_psp.h"
#include "tests/port/psp_rig.h"

#define MODULE "github.com/stripe/stripe-mock@v0.203.0"

enum { PATH_SIZE = 512, TEXT_SIZE = 8192, START_MS_MAX = 60000, BUILD_S_MAX = 300, SKIPPED = 77 };

struct mock {
    pid_t pid;
    int output; /* what it prints */
    char url[PATH_SIZE];
};

/* A child whose output is read from *out_output. */
static pid_t start(const char *const arguments[], int *out_output)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO); /* the exec below tells */
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    assert_int_equal(close(ends[1]), 0);
    *out_output = ends[0];
    return pid;
}

/* Builds it into the scratch directory; false, with what was said, when it cannot be. */
static bool mock_build(const char *folder, char text[TEXT_SIZE])
{
    char seconds[16];
    int len = snprintf(seconds, sizeof seconds, "%d", BUILD_S_MAX);
    assert_true(len > 0);
    assert_int_equal(setenv("GOBIN", folder, 1), 0);
    const char *const arguments[] = { "timeout", seconds, "go", "install", MODULE, NULL };
    int output;
    pid_t pid = start(arguments, &output);
    size_t used = 0;
    ssize_t got = 1;
    while (used + 1 < TEXT_SIZE && got > 0) {
        got = read(output, text + used, TEXT_SIZE - 1 - used);
        if (got > 0) used += (size_t)got;
    }
    text[used] = '\0';
    int status = 0;
    assert_int_equal(close(output), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Reads what it prints until its address is there. */
static void mock_address(struct mock *mock)
{
    static const char mark[] = "HTTP at address: ";
    char text[TEXT_SIZE];
    size_t used = 0;
    for (;;) {
        struct pollfd fd = { .fd = mock->output, .events = POLLIN };
        assert_true(poll(&fd, 1, START_MS_MAX) > 0);
        ssize_t got = read(mock->output, text + used, sizeof text - 1 - used);
        assert_true(got > 0);
        used += (size_t)got;
        text[used] = '\0';
        const char *at = strstr(text, mark);
        if (at == NULL || strchr(at, '\n') == NULL) continue;
        at += sizeof mark - 1;
        int len = snprintf(mock->url, sizeof mock->url, "http://%.*s", (int)strcspn(at, "\n"), at);
        assert_true(len > 0 && len < PATH_SIZE);
        return;
    }
}

static void mock_open(struct mock *mock, const char *folder)
{
    char path[PATH_SIZE];
    int len = snprintf(path, sizeof path, "%s/stripe-mock", folder);
    assert_true(len > 0 && len < PATH_SIZE);
    const char *const arguments[] = {
        path, "-strict-version-check", "-http-addr", "127.0.0.1:", "-https-addr", "127.0.0.1:", NULL
    };
    mock->pid = start(arguments, &mock->output);
    mock_address(mock);
}

static void mock_close(struct mock *mock)
{
    assert_int_equal(kill(mock->pid, SIGTERM), 0);
    assert_int_equal(waitpid(mock->pid, NULL, 0), mock->pid);
    assert_int_equal(close(mock->output), 0);
}

/* ---- Cases ---- */

struct sample {
    enum psp_operation operation;
    bool last;
    const char *method;
    const char *object;
};

static const struct sample samples[] = {
    { PSP_CHARGE, true, "pm_card_visa", "" },  { PSP_AUTHORISE, true, "pm_card_visa", "" },
    { PSP_CAPTURE, true, "", "pi_123" },       { PSP_CAPTURE, false, "", "pi_123" },
    { PSP_CANCEL, true, "", "pi_123" },        { PSP_REFUND, true, "", "pi_123" },
    { PSP_PAY_OUT, true, "ba_123", "" },       { PSP_CHARGE, true, "pm_card_visa", "pi_123" },
    { PSP_PAY_OUT, true, "ba_123", "po_123" },
};

static struct psp_rig rig;

static void every_order_and_query_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct sample *sample = &samples[i];
        struct psp_order order = psp_rig_order(sample->operation, sample->method, sample->object);
        struct psp_reply reply;
        order.last = sample->last;
        rig.psp->order(rig.psp, &order, &reply);
        if (reply.http_status != 200) {
            fail_msg("%s: %u %s", psp_operation_name(order.operation), reply.http_status,
                     reply.reason);
        }
        rig.psp->query(rig.psp, &order, &reply);
        if (reply.http_status != 200) {
            fail_msg("query of %s: %u %s", psp_operation_name(order.operation), reply.http_status,
                     reply.reason);
        }
    }
}

static void a_page_of_transactions_is_accepted_and_read(void **state)
{
    (void)state;
    enum { LIMIT = 10 };
    struct psp_line lines[LIMIT];
    struct error error = { 0 };
    uint32_t count = 0;
    const struct psp_part part = { .day = { 19675 }, .from = 0, .limit = LIMIT };
    enum status status = rig.psp->statement(rig.psp, &part, lines, &count, &error);
    /* The fixtures are not bookable for sure; that a line was looked at shows a list was got. */
    if (status != STATUS_OK && strstr(error.message, "balance transaction") == NULL)
        fail_msg("%s: %s", status_name(status), error.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_and_query_is_accepted),
        cmocka_unit_test(a_page_of_transactions_is_accepted_and_read),
    };
    static char text[TEXT_SIZE];
    const char *folder = getenv("SCRATCH");
    if (folder == NULL || signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
        (void)fprintf(stderr, "SCRATCH is not set\n");
        return 1;
    }
    if (!mock_build(folder, text)) {
        (void)printf("SKIPPED: stripe-mock cannot be built (no Go, too old, or no network):\n%s\n",
                     text);
        return SKIPPED;
    }
    struct mock mock;
    mock_open(&mock, folder);
    psp_rig_open(&rig, stripe_psp_open, mock.url, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    psp_rig_close(&rig);
    mock_close(&mock);
    return failed;
}
