// powercut ROOT LOG SEED: undoes what powerloss.c noted below ROOT in LOG and no sync had covered, as a power cut would. The
// processes that wrote are dead. SEED 0 undoes all of it. Another seed draws, as disks and journals do, how far things had come by
// themselves: of each file the first so many writes stay, the next one is torn at a multiple of 512 bytes, the rest is undone; of all
// changes of names the first so many stay. Prints "bytes files names"; exit code 3: the log has something that cannot be undone.
#define _GNU_SOURCE
#include "powerlog.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512

struct inode { uint64_t number, synced; char *path; size_t first, count; };
struct change { uint64_t at; struct power_record head; const char *text1, *text2; int done; };

static struct inode *inodes;
static size_t inode_count, inode_room;
static struct change *changes;
static size_t change_count, change_room;
static uint64_t all_synced, seed;
static char root[PATH_MAX], trash[PATH_MAX];

static void die(const char *what, const char *which) {
    fprintf(stderr, "powercut: %s %s: %s\n", what, which, strerror(errno));
    exit(1);
}

static uint64_t draw(uint64_t below) {
    seed += 0x9e3779b97f4a7c15u;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static struct inode *inode_of(uint64_t number) {
    for (size_t slot = number * 0x9e3779b97f4a7c15u % inode_room;; slot = (slot + 1) % inode_room) {
        if (!inodes[slot].number) {
            if (++inode_count * 2 > inode_room) { errno = ENOSPC; die("too many", "inodes"); }
            inodes[slot].number = number;
        }
        if (inodes[slot].number == number) return &inodes[slot];
    }
}

static void walk(const char *folder) {
    struct stat s;
    if (lstat(folder, &s)) return;
    struct inode *at = inode_of(s.st_ino);
    free(at->path);
    at->path = strdup(folder);
    if (!S_ISDIR(s.st_mode)) return;
    DIR *list = opendir(folder);
    if (!list) die("cannot list", folder);
    for (struct dirent *entry; (entry = readdir(list));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        walk(path);
    }
    closedir(list);
}

static void remove_all(const char *path) {
    struct stat s;
    if (lstat(path, &s)) return;
    if (S_ISDIR(s.st_mode)) {
        DIR *list = opendir(path);
        for (struct dirent *entry; list && (entry = readdir(list));) {
            char inner[PATH_MAX];
            if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            remove_all(inner);
        }
        if (list) closedir(list);
    }
    if (remove(path)) die("cannot remove", path);
}

static void read_log(const char *path) {
    FILE *file = fopen(path, "r");
    struct stat s;
    if (!file || fstat(fileno(file), &s)) die("cannot read", path);
    char *log = malloc((size_t)s.st_size + 1);
    size_t size = fread(log, 1, (size_t)s.st_size, file);
    fclose(file);
    // The last record of a process that was killed may be torn; its change was not made.
    for (size_t at = 0; at + sizeof(struct power_record) <= size;) {
        struct power_record head;
        memcpy(&head, log + at, sizeof head);
        size_t length = sizeof head + head.text1 + head.text2;
        if (head.magic != POWER_MAGIC) { errno = EBADMSG; die("not a record in", path); }
        if (at + length > size) break;
        if (change_count == change_room) changes = realloc(changes, (change_room = change_room * 2 + 1024) * sizeof *changes);
        changes[change_count++] = (struct change){ at, head, log + at + sizeof head, log + at + sizeof head + head.text1, 0 };
        at += length;
    }
}

static int durable(const struct change *one) {
    uint64_t until = inode_of(one->head.inode)->synced;
    if (one->head.kind == POWER_RENAME && inode_of(one->head.b)->synced < until) until = inode_of(one->head.b)->synced;
    return one->at < (until > all_synced ? until : all_synced);
}

static void undo_data(int fd, const struct change *one, uint64_t keep_bytes) {
    const struct power_record *head = &one->head;
    uint64_t from = head->a + keep_bytes, old = head->b;
    if (from < old) {
        uint64_t had = old - head->a < head->c ? old - head->a : head->c;
        static char zeros[1 << 16];
        for (uint64_t at = keep_bytes; at < had;) {
            uint64_t part = head->text1 ? had - at : had - at < sizeof zeros ? had - at : sizeof zeros;
            const char *bytes = head->text1 ? one->text1 + at : zeros;
            if (pwrite(fd, bytes, part, (off_t)(head->a + at)) != (ssize_t)part) die("cannot restore", "data");
            at += part;
        }
    }
    if (ftruncate(fd, (off_t)(old > from && keep_bytes ? old : keep_bytes ? from : old))) die("cannot restore", "size");
}

static int by_inode(const void *a, const void *b) {
    const struct change *x = *(const struct change *const *)a, *y = *(const struct change *const *)b;
    if (x->head.inode != y->head.inode) return x->head.inode < y->head.inode ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void undo_all_data(uint64_t *bytes, uint64_t *files) {
    const struct change **lost = malloc((change_count + 1) * sizeof *lost);
    size_t count = 0;
    for (size_t i = 0; i < change_count; i++)
        if ((changes[i].head.kind == POWER_DATA || changes[i].head.kind == POWER_SIZE) && !durable(&changes[i])) lost[count++] = &changes[i];
    qsort(lost, count, sizeof *lost, by_inode);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first; end < count && lost[end]->head.inode == lost[first]->head.inode; end++) {}
        const char *path = inode_of(lost[first]->head.inode)->path;
        if (!path) continue;
        size_t cut = seed ? first + draw(end - first + 1) : first;
        if (cut == end) continue;
        int fd = open(path, O_RDWR);
        if (fd < 0) die("cannot open", path);
        for (size_t i = end; i-- > cut;) {
            uint64_t keep = 0, length = lost[i]->head.c;
            if (i == cut && seed && length > SECTOR && lost[i]->head.kind == POWER_DATA) {
                uint64_t until = (lost[i]->head.a + draw(length)) / SECTOR * SECTOR;
                keep = until > lost[i]->head.a ? until - lost[i]->head.a : 0;
            }
            undo_data(fd, lost[i], keep);
            *bytes += length - keep;
        }
        close(fd);
        ++*files;
    }
}

static int path_of(char *path, uint64_t folder, const char *name, size_t length) {
    const char *at = inode_of(folder)->path;
    if (at) snprintf(path, PATH_MAX, "%s/%.*s", at, (int)length, name);
    return at != NULL;
}

// A folder that itself is gone takes its names along.
static void undo_name(const struct change *one) {
    const struct power_record *head = &one->head;
    char path[PATH_MAX], other[PATH_MAX], kept[PATH_MAX + 32];
    snprintf(kept, sizeof kept, "%s/%llu", trash, (unsigned long long)head->a);
    if (!path_of(path, head->inode, one->text1, head->text1)) return;
    switch (head->kind) {
    case POWER_CREATE:
        remove_all(path);
        break;
    case POWER_UNLINK:
        if (rename(kept, path) && errno != ENOENT) die("cannot restore", path);
        if (head->b) walk(path);
        break;
    case POWER_RENAME:
        if (!path_of(other, head->b, one->text2, head->text2)) return;
        if (rename(other, path) && errno != ENOENT) die("cannot take back", other);
        if (head->a && rename(kept, other) && errno != ENOENT) die("cannot restore", other);
        walk(path);
        break;
    }
}

int main(int argc, char **argv) {
    if (argc != 4 || !realpath(argv[1], root)) { fprintf(stderr, "powercut ROOT LOG SEED\n"); return 2; }
    seed = strtoull(argv[3], NULL, 10);
    snprintf(trash, sizeof trash, "%s.trash", argv[2]);
    read_log(argv[2]);
    inode_room = change_count * 4 + 65536;
    inodes = calloc(inode_room, sizeof *inodes);
    walk(root);
    walk(trash);
    uint64_t bytes = 0, files = 0, names = 0;
    size_t name_count = 0;
    for (size_t i = 0; i < change_count; i++) {
        const struct power_record *head = &changes[i].head;
        if (head->kind == POWER_UNSUPPORTED) {
            fprintf(stderr, "powercut: the log has %.*s, which cannot be undone\n", (int)head->text1, changes[i].text1);
            return 3;
        }
        if (head->kind == POWER_SYNC && inode_of(head->inode)->synced < head->a) inode_of(head->inode)->synced = head->a;
        if (head->kind == POWER_SYNC_ALL && all_synced < head->a) all_synced = head->a;
    }
    undo_all_data(&bytes, &files);
    for (size_t i = 0; i < change_count; i++)
        name_count += changes[i].head.kind >= POWER_CREATE && changes[i].head.kind <= POWER_RENAME && !durable(&changes[i]);
    uint64_t stay = seed ? draw(name_count + 1) : 0;
    for (size_t i = change_count; i-- > 0 && names < name_count - stay;) {
        if (changes[i].head.kind < POWER_CREATE || changes[i].head.kind > POWER_RENAME || durable(&changes[i])) continue;
        undo_name(&changes[i]);
        names++;
    }
    remove_all(trash);
    if (unlink(argv[2])) die("cannot remove", argv[2]);
    printf("%llu %llu %llu\n", (unsigned long long)bytes, (unsigned long long)files, (unsigned long long)names);
    return 0;
}
