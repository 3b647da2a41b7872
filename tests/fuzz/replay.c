/*
 * Goal: the inputs that the fuzzers ever found stay harmless in every build.
 * Method: each file of the folder named on the command line is handed to the fuzz target,
 * after an empty input. libFuzzer brings its own main(); this one stands in for it elsewhere.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUT_SIZE_MAX = 1 << 20, PATH_SIZE_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *folder, const char *name)
{
    char path[PATH_SIZE_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path) return -1;
    FILE *file = fopen(path, "rb");
    if (file == NULL) return -1;
    uint8_t *data = malloc(INPUT_SIZE_MAX);
    if (data == NULL) abort();
    size_t size = fread(data, 1, INPUT_SIZE_MAX, file);
    (void)fclose(file);                          /* only read from */
    uint8_t *exact = malloc(size + (size == 0)); /* so that reading past the end is seen */
    if (exact == NULL) abort();
    for (size_t i = 0; i < size; i++) exact[i] = data[i];
    free(data);
    (void)LLVMFuzzerTestOneInput(exact, size); /* always 0; it aborts on a finding */
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    DIR *dir = opendir(argv[1]);
    if (dir == NULL) {
        printf("no corpus in %s: only the empty input was run\n", argv[1]);
        return 0;
    }
    int files = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.') continue;
        if (replay_file(argv[1], entry->d_name) != 0) {
            fprintf(stderr, "cannot read %s/%s\n", argv[1], entry->d_name);
            return 1;
        }
        files++;
    }
    (void)closedir(dir); /* only read from */
    printf("%d inputs replayed\n", files);
    return 0;
}
