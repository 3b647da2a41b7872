/*
 * Goal: no address that is not of the public internet passes, whichever way it is written.
 * Method: a table of first and last addresses of each range, their neighbours outside, and IPv4
 * addresses wrapped in IPv6.
 */
#include "adapter/address_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

struct sample {
    const char *text;
    const char *reason; /* NULL: public */
};

static const struct sample samples[] = {
    { "0.0.0.0", "special" },
    { "0.255.255.255", "special" },
    { "1.0.0.0", NULL },
    { "9.255.255.255", NULL },
    { "10.0.0.0", "private" },
    { "10.255.255.255", "private" },
    { "11.0.0.0", NULL },
    { "100.63.255.255", NULL },
    { "100.64.0.0", "private" },
    { "100.100.100.200", "private" },
    { "100.127.255.255", "private" },
    { "100.128.0.0", NULL },
    { "127.0.0.1", "loopback" },
    { "127.255.255.255", "loopback" },
    { "128.0.0.0", NULL },
    { "168.63.129.16", "metadata" },
    { "168.63.129.17", NULL },
    { "169.253.255.255", NULL },
    { "169.254.169.254", "link-local" },
    { "169.255.0.0", NULL },
    { "172.15.255.255", NULL },
    { "172.16.0.0", "private" },
    { "172.31.255.255", "private" },
    { "172.32.0.0", NULL },
    { "192.0.0.192", "special" },
    { "192.0.2.1", "special" },
    { "192.88.99.1", "special" },
    { "192.167.255.255", NULL },
    { "192.168.0.0", "private" },
    { "192.168.255.255", "private" },
    { "192.169.0.0", NULL },
    { "198.17.255.255", NULL },
    { "198.18.0.0", "special" },
    { "198.19.255.255", "special" },
    { "198.20.0.0", NULL },
    { "198.51.100.7", "special" },
    { "203.0.113.7", "special" },
    { "223.255.255.255", NULL },
    { "224.0.0.0", "multicast" },
    { "239.255.255.255", "multicast" },
    { "240.0.0.0", "special" },
    { "255.255.255.255", "special" },
    { "8.8.8.8", NULL },
    { "::", "special" },
    { "::1", "loopback" },
    { "::2", "special" },
    { "::127.0.0.1", "special" },
    { "::ffff:127.0.0.1", "loopback" },
    { "::ffff:10.1.2.3", "private" },
    { "::ffff:169.254.169.254", "link-local" },
    { "::ffff:8.8.8.8", NULL },
    { "64:ff9b::10.0.0.1", "private" },
    { "64:ff9b::8.8.8.8", NULL },
    { "64:ff9b:1::8.8.8.8", "special" },
    { "100::1", "special" },
    { "1fff:ffff::", "special" },
    { "2000::", NULL },
    { "2001::1", "special" },
    { "2001:1ff:ffff::", "special" },
    { "2001:200::", NULL },
    { "2001:db8::1", "special" },
    { "2001:db9::1", NULL },
    { "2002:7f00:1::", "special" },
    { "2003::", NULL },
    { "2606:4700::1", NULL },
    { "3fff::1", "special" },
    { "3fff:fff:ffff::1", "special" },
    { "3fff:1000::1", NULL },
    { "4000::", "special" },
    { "fc00::", "private" },
    { "fd00:ec2::254", "private" },
    { "fe7f::", "special" },
    { "fe80::1", "link-local" },
    { "febf:ffff::1", "link-local" },
    { "fec0::1", "private" },
    { "ff02::1", "multicast" },
};

static const char *special_of(const char *text)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return address_special((const struct sockaddr *)&in, sizeof in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return address_special((const struct sockaddr *)&in6, sizeof in6);
}

static void only_addresses_of_the_public_internet_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const char *reason = special_of(samples[i].text);
        const char *expected = samples[i].reason;
        if ((reason == NULL) != (expected == NULL) ||
            (reason != NULL && strcmp(reason, expected) != 0)) {
            fail_msg("%s is %s, expected %s", samples[i].text, reason != NULL ? reason : "public",
                     expected != NULL ? expected : "public");
        }
    }
}

static void what_is_no_internet_address_does_not_pass(void **state)
{
    (void)state;
    struct sockaddr_storage other = { .ss_family = AF_UNIX };
    assert_string_equal(address_special((const struct sockaddr *)&other, sizeof other),
                        "not of the internet");
    struct sockaddr_in in = { .sin_family = AF_INET };
    assert_int_equal(inet_pton(AF_INET, "8.8.8.8", &in.sin_addr), 1);
    assert_string_equal(address_special((const struct sockaddr *)&in, sizeof in - 1),
                        "not of the internet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_addresses_of_the_public_internet_pass),
        cmocka_unit_test(what_is_no_internet_address_does_not_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
