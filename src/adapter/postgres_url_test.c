/*
 * Goal: the hosts of a URL come each once, in turn, with the ports that are theirs.
 * Method: tables of URLs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "adapter/postgres_url.h"

static const struct {
    const char *url;
    uint32_t first;
    uint32_t count;
    const char *host;
    const char *hostaddr;
    const char *port;
} TURNS[] = {
    { "postgres:///d", 0, 1, "", "", "" },
    { "postgres:///d", 1, 1, "", "", "" },
    { "postgres://u@a:1/d", 1, 1, "a", "", "1" },
    { "postgres://u@a:1,b:2,c:3/d", 0, 3, "a,b,c", "", "1,2,3" },
    { "postgres://u@a:1,b:2,c:3/d", 1, 3, "b,c,a", "", "2,3,1" },
    { "postgres://u@a:1,b:2,c:3/d", 2, 3, "c,a,b", "", "3,1,2" },
    { "postgres://u@a:1,b:2,c:3/d", 3, 3, "a,b,c", "", "1,2,3" },
    { "postgres://u@a,b/d?port=5", 1, 2, "b,a", "", "5" },
    { "postgres://u@a,b/d", 1, 2, "b,a", "", "," },
    { "postgres:///d?host=a,b&port=7", 1, 2, "b,a", "", "7" },
    { "postgres:///d?hostaddr=10.0.0.1,10.0.0.2", 1, 2, "", "10.0.0.2,10.0.0.1", "" },
};

static void hosts_come_in_turn(void **state)
{
    (void)state; /* none */
    for (size_t i = 0; i < sizeof TURNS / sizeof TURNS[0]; i++) {
        struct error error = { 0 };
        struct postgres_hosts hosts;
        assert_int_equal(postgres_url_check(TURNS[i].url, &error), STATUS_OK);
        postgres_url_hosts(TURNS[i].url, TURNS[i].first, &hosts);
        assert_int_equal(hosts.count, TURNS[i].count);
        assert_string_equal(hosts.host, TURNS[i].host);
        assert_string_equal(hosts.hostaddr, TURNS[i].hostaddr);
        assert_string_equal(hosts.port, TURNS[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_come_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
