/*
 * Goal: each PSP's webhooks are read in the wire that the PSP speaks.
 * Method: names of each kind, compared with the readers.
 */
#include "payment/event_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "payment/sandbox_wire.h"
#include "payment/stripe_event.h"

static void a_name_says_the_wire(void **state)
{
    (void)state; /* no fixture */
    assert_true(event_reader_of(STR("stripe")) == stripe_event_read);
    assert_true(event_reader_of(STR("stripe-eu")) == stripe_event_read);
    assert_true(event_reader_of(STR("sandbox")) == sandbox_event_read);
    assert_true(event_reader_of(STR("sandbox-2")) == sandbox_event_read);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_name_says_the_wire) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
