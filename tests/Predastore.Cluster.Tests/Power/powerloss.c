// LD_PRELOAD: stands for a disk whose cache is lost with the power. Every change below $POWER_ROOT is made as usual and written
// down in $POWER_LOG with what it takes to undo it; powercut undoes what no sync had covered. What a killed process has written
// is still in the page cache of the machine, so nothing else has to be kept alive.
//
// Covered: open and creat (new names, truncation), write, pwrite, writev, pwritev, ftruncate, truncate, fallocate (also holes),
// posix_fallocate, rename, renameat, renameat2, unlink, unlinkat, remove, rmdir, mkdir, mkdirat, link, symlink, fsync, fdatasync,
// sync, syncfs; each also when it is looked up with dlsym, which is how .NET calls libc. sync_file_range makes nothing durable.
// Refused, so that programs take another way: copy_file_range, sendfile and FICLONE into a file below the root.
// Noted as unsupported, which fails the test: shared writable mappings, other modes of fallocate.
// Not seen: what stdio writes from inside libc (the info log of RocksDB).
//
// $POWER_IGNORE_DIR and $POWER_IGNORE_FILE: syncs of directories and files whose path has this in it report success and make nothing
// durable. A test that still passes then would not notice a missing sync.
#define _GNU_SOURCE
#include "powerlog.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 65536
#define PIECE_BYTES (1 << 20)

enum { FD_UNKNOWN, FD_OTHER, FD_TRACKED };

static void *(*real_dlsym)(void *, const char *);
static char root[PATH_MAX], trash[PATH_MAX];
static size_t root_length;
static int log_fd = -1;
static const char *ignore_dir, *ignore_file;
static uint64_t trash_next = 1;
static unsigned char fds[FDS_MAX];
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static char piece[PIECE_BYTES];

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))find_real(#name); real; })

static void init(void);

static void *find_real(const char *name) {
    init();
    return real_dlsym(RTLD_NEXT, name);
}

static void die(const char *what) {
    dprintf(2, "powerloss: %s: %s\n", what, strerror(errno));
    _exit(99);
}

__attribute__((constructor)) static void init(void) {
    static int done;
    if (done) return;
    done = 1;
    const char *versions[] = { "GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5" };
    for (int i = 0; i < 3 && !real_dlsym; i++) real_dlsym = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
    if (!real_dlsym) die("no dlsym");
    const char *at = getenv("POWER_ROOT"), *log = getenv("POWER_LOG");
    if (!at || !log || !realpath(at, root)) return;
    root_length = strlen(root);
    snprintf(trash, sizeof trash, "%s.trash", log);
    mkdir(trash, 0700);
    ignore_dir = getenv("POWER_IGNORE_DIR");
    ignore_file = getenv("POWER_IGNORE_FILE");
    // A process started before in the same round has put things into the trash too.
    trash_next = ((uint64_t)getpid() << 32) + 1;
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) die("cannot open the log");
}

// Writes a record; the caller holds the gate.
static void note(uint32_t kind, uint64_t inode, uint64_t a, uint64_t b, uint64_t c, const void *text1, size_t length1, const void *text2, size_t length2) {
    struct power_record head = { POWER_MAGIC, kind, inode, a, b, c, (uint32_t)length1, (uint32_t)length2 };
    struct iovec parts[3] = { { &head, sizeof head }, { (void *)text1, length1 }, { (void *)text2, length2 } };
    ssize_t all = (ssize_t)(sizeof head + length1 + length2);
    if (syscall(SYS_writev, log_fd, parts, 3) != all) die("cannot write the log");
}

static void unsupported(const char *what) {
    pthread_mutex_lock(&gate);
    note(POWER_UNSUPPORTED, 0, 0, 0, 0, what, strlen(what), NULL, 0);
    pthread_mutex_unlock(&gate);
}

static uint64_t log_position(void) {
    struct stat s;
    if (fstat(log_fd, &s)) die("cannot measure the log");
    return (uint64_t)s.st_size;
}

static int below_root(const char *path) {
    return log_fd >= 0 && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

// Splits a path below the root into its directory, as an inode, and its last name. 0: not below the root.
static uint64_t parent_of(int at, const char *path, char *name) {
    char whole[PATH_MAX], folder[PATH_MAX];
    if (log_fd < 0) return 0;
    if (path[0] == '/') snprintf(whole, sizeof whole, "%s", path);
    else if (at == AT_FDCWD) snprintf(whole, sizeof whole, "./%s", path);
    else snprintf(whole, sizeof whole, "/proc/self/fd/%d/%s", at, path);
    size_t length = strlen(whole);
    while (length > 1 && whole[length - 1] == '/') whole[--length] = 0;
    char *slash = strrchr(whole, '/');
    if (!slash) return 0;
    snprintf(name, NAME_MAX + 1, "%s", slash + 1);
    *(slash == whole ? slash + 1 : slash) = 0;
    struct stat s;
    if (!realpath(whole, folder) || !below_root(folder) || stat(folder, &s)) return 0;
    return s.st_ino;
}

static int tracked(int fd, struct stat *s) {
    if (log_fd < 0 || fd < 0 || fd >= FDS_MAX || fds[fd] == FD_OTHER) return 0;
    int saved = errno, yes = 0;
    if (!fstat(fd, s) && (S_ISREG(s->st_mode) || S_ISDIR(s->st_mode))) {
        if (fds[fd] == FD_UNKNOWN) {
            char link[64], path[PATH_MAX];
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            ssize_t length = readlink(link, path, sizeof path - 1);
            path[length > 0 ? length : 0] = 0;
            fds[fd] = below_root(path) ? FD_TRACKED : FD_OTHER;
        }
        yes = fds[fd] == FD_TRACKED;
    }
    errno = saved;
    return yes;
}

static int is_zero(const char *bytes, size_t length) {
    return length == 0 || (bytes[0] == 0 && !memcmp(bytes, bytes + 1, length - 1));
}

// Notes what [offset, offset + length) held; the caller holds the gate. A pread needs a descriptor that reads: one of its own.
static void note_data(uint32_t kind, const struct stat *s, int fd, off_t offset, off_t length) {
    off_t end = offset + length, old = s->st_size;
    if (offset >= old || length == 0) {
        note(kind, s->st_ino, (uint64_t)offset, (uint64_t)old, (uint64_t)length, NULL, 0, NULL, 0);
        return;
    }
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int in = (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
    if (in < 0) die("cannot read what is overwritten");
    for (off_t at = offset; at < end; at += PIECE_BYTES) {
        off_t part = end - at < PIECE_BYTES ? end - at : PIECE_BYTES;
        ssize_t had = at < old ? pread(in, piece, (size_t)part, at) : 0;
        if (had < 0) die("cannot read what is overwritten");
        note(kind, s->st_ino, (uint64_t)at, (uint64_t)old, (uint64_t)part, piece, is_zero(piece, (size_t)had) ? 0 : (size_t)had, NULL, 0);
    }
    syscall(SYS_close, in);
}

static void forget(int fd) { if (fd >= 0 && fd < FDS_MAX) fds[fd] = FD_UNKNOWN; }

static int open_noted(int at, const char *path, int flags, mode_t mode) {
    char name[NAME_MAX + 1];
    uint64_t folder = flags & (O_CREAT | O_TRUNC) ? parent_of(at, path, name) : 0;
    int fd;
    if (folder) {
        struct stat s;
        pthread_mutex_lock(&gate);
        if (fstatat(at, path, &s, 0)) {
            if (flags & O_CREAT) note(POWER_CREATE, folder, 0, 0, 0, name, strlen(name), NULL, 0);
        } else if (flags & O_TRUNC && !(flags & O_EXCL) && s.st_size > 0) {
            int in = (int)syscall(SYS_openat, at, path, O_RDONLY | O_CLOEXEC);
            if (in >= 0) {
                note_data(POWER_SIZE, &s, in, 0, s.st_size);
                syscall(SYS_close, in);
            }
        }
        fd = (int)syscall(SYS_openat, at, path, flags, mode);
        pthread_mutex_unlock(&gate);
    } else {
        fd = (int)syscall(SYS_openat, at, path, flags, mode);
    }
    forget(fd);
    return fd;
}

#define MODE_OF(flags) ({ mode_t mode = 0; if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); } mode; })

int open(const char *path, int flags, ...) { return open_noted(AT_FDCWD, path, flags, MODE_OF(flags)); }
int open64(const char *path, int flags, ...) { return open_noted(AT_FDCWD, path, flags, MODE_OF(flags)); }
int openat(int at, const char *path, int flags, ...) { return open_noted(at, path, flags, MODE_OF(flags)); }
int openat64(int at, const char *path, int flags, ...) { return open_noted(at, path, flags, MODE_OF(flags)); }
int creat(const char *path, mode_t mode) { return open_noted(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open_noted(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int close(int fd) {
    forget(fd);
    return REAL(close)(fd);
}

// The gate is held over the change itself: a sync that begins afterwards covers it, one that began before does not.
#define CHANGE(kind, fd, offset, length, act) ({ \
    struct stat stat_; __typeof__(act) done_; \
    if (tracked(fd, &stat_) && S_ISREG(stat_.st_mode)) { \
        pthread_mutex_lock(&gate); \
        fstat(fd, &stat_); \
        note_data(kind, &stat_, fd, (offset), (length)); \
        done_ = act; \
        int saved_ = errno; pthread_mutex_unlock(&gate); errno = saved_; \
    } else done_ = act; \
    done_; })

static off_t where(int fd, const struct stat *s) {
    return syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND ? s->st_size : (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
}

static size_t sum(const struct iovec *parts, int count) {
    size_t all = 0;
    for (int i = 0; i < count; i++) all += parts[i].iov_len;
    return all;
}

ssize_t write(int fd, const void *bytes, size_t length) { return CHANGE(POWER_DATA, fd, where(fd, &stat_), (off_t)length, (ssize_t)syscall(SYS_write, fd, bytes, length)); }
ssize_t writev(int fd, const struct iovec *parts, int count) { return CHANGE(POWER_DATA, fd, where(fd, &stat_), (off_t)sum(parts, count), (ssize_t)syscall(SYS_writev, fd, parts, count)); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return CHANGE(POWER_DATA, fd, at, (off_t)length, (ssize_t)syscall(SYS_pwrite64, fd, bytes, length, at)); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) { return pwrite(fd, bytes, length, at); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return CHANGE(POWER_DATA, fd, at, (off_t)sum(parts, count), REAL(pwritev)(fd, parts, count, at)); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { return pwritev(fd, parts, count, at); }

int ftruncate(int fd, off_t size) {
    return CHANGE(POWER_SIZE, fd, size < stat_.st_size ? size : stat_.st_size, size < stat_.st_size ? stat_.st_size - size : size - stat_.st_size, (int)syscall(SYS_ftruncate, fd, size));
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int truncate(const char *path, off_t size) {
    int fd = open_noted(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0) return -1;
    int done = ftruncate(fd, size);
    close(fd);
    return done;
}
int truncate64(const char *path, off_t size) { return truncate(path, size); }

int fallocate(int fd, int mode, off_t offset, off_t length) {
    struct stat s;
    if (mode == (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
        return CHANGE(POWER_SIZE, fd, offset, stat_.st_size <= offset ? 0 : stat_.st_size - offset < length ? stat_.st_size - offset : length, (int)syscall(SYS_fallocate, fd, mode, offset, length));
    if (mode == 0) // Only the size changes: what lies below it stays.
        return CHANGE(POWER_SIZE, fd, stat_.st_size, offset + length > stat_.st_size ? offset + length - stat_.st_size : 0, (int)syscall(SYS_fallocate, fd, mode, offset, length));
    if (mode != FALLOC_FL_KEEP_SIZE && tracked(fd, &s)) unsupported("fallocate");
    return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}
int fallocate64(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }
int posix_fallocate(int fd, off_t offset, off_t length) { return fallocate(fd, 0, offset, length) ? errno : 0; }
int posix_fallocate64(int fd, off_t offset, off_t length) { return posix_fallocate(fd, offset, length); }

static int ignored(int fd, const char *part) {
    char link[64], path[PATH_MAX];
    if (!part) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    return strstr(path, part) != NULL;
}

static int sync_noted(int fd, int number) {
    struct stat s;
    if (!tracked(fd, &s)) return (int)syscall(number, fd);
    int is_dir = S_ISDIR(s.st_mode);
    pthread_mutex_lock(&gate);
    uint64_t position = log_position();
    pthread_mutex_unlock(&gate);
    int done = (int)syscall(number, fd);
    if (done == 0 && !ignored(fd, is_dir ? ignore_dir : ignore_file)) {
        pthread_mutex_lock(&gate);
        note(POWER_SYNC, s.st_ino, position, (uint64_t)is_dir, 0, NULL, 0, NULL, 0);
        pthread_mutex_unlock(&gate);
    }
    return done;
}

int fsync(int fd) { return sync_noted(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_noted(fd, SYS_fdatasync); }

static void sync_all(void) {
    if (log_fd < 0 || ignore_dir || ignore_file) return;
    pthread_mutex_lock(&gate);
    note(POWER_SYNC_ALL, 0, log_position(), 0, 0, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&gate);
}
void sync(void) { syscall(SYS_sync); sync_all(); }
int syncfs(int fd) { int done = (int)syscall(SYS_syncfs, fd); if (!done) sync_all(); return done; }

// Keeps what a name is about to lose. 0: there was nothing.
static uint64_t keep(int at, const char *path) {
    struct stat s;
    if (fstatat(at, path, &s, AT_SYMLINK_NOFOLLOW) || S_ISDIR(s.st_mode)) return 0;
    char into[PATH_MAX + 32];
    uint64_t number = trash_next++;
    snprintf(into, sizeof into, "%s/%llu", trash, (unsigned long long)number);
    if (syscall(SYS_linkat, at, path, AT_FDCWD, into, 0)) die("cannot keep what is unlinked");
    return number;
}

static int rename_noted(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    char old_name[NAME_MAX + 1], new_name[NAME_MAX + 1];
    uint64_t old_folder = parent_of(from_at, from, old_name), new_folder = parent_of(to_at, to, new_name);
    if (!old_folder || !new_folder) return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    struct stat s, t;
    pthread_mutex_lock(&gate);
    // Only what will work is noted: an undo of a rename that was refused would make one.
    int possible = !fstatat(from_at, from, &s, AT_SYMLINK_NOFOLLOW)
        && (fstatat(to_at, to, &t, AT_SYMLINK_NOFOLLOW) || (!(flags & RENAME_NOREPLACE) && s.st_ino != t.st_ino && !S_ISDIR(t.st_mode)));
    if (possible)
        note(POWER_RENAME, old_folder, keep(to_at, to), new_folder, 0, old_name, strlen(old_name), new_name, strlen(new_name));
    int done = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags), saved = errno;
    pthread_mutex_unlock(&gate);
    if (done == 0 && !possible) unsupported("rename over a directory");
    errno = saved;
    return done;
}
int rename(const char *from, const char *to) { return rename_noted(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_at, const char *from, int to_at, const char *to) { return rename_noted(from_at, from, to_at, to, 0); }
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) { return rename_noted(from_at, from, to_at, to, flags); }

static int is_empty(int at, const char *path) {
    int fd = (int)syscall(SYS_openat, at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) return 0;
    while (readdir(folder)) count++;
    closedir(folder);
    return count <= 2;
}

static int unlink_noted(int at, const char *path, int flags) {
    char name[NAME_MAX + 1];
    uint64_t folder = parent_of(at, path, name);
    if (!folder) return (int)syscall(SYS_unlinkat, at, path, flags);
    int done, is_dir = flags & AT_REMOVEDIR;
    pthread_mutex_lock(&gate);
    if (is_dir && is_empty(at, path)) {
        // Moved away instead: a new directory of that name would be another one to those who still hold it.
        char into[PATH_MAX + 32];
        uint64_t number = trash_next++;
        snprintf(into, sizeof into, "%s/%llu", trash, (unsigned long long)number);
        note(POWER_UNLINK, folder, number, 1, 0, name, strlen(name), NULL, 0);
        done = (int)syscall(SYS_renameat2, at, path, AT_FDCWD, into, 0);
    } else {
        uint64_t number = is_dir ? 0 : keep(at, path);
        if (number) note(POWER_UNLINK, folder, number, 0, 0, name, strlen(name), NULL, 0);
        done = (int)syscall(SYS_unlinkat, at, path, flags);
    }
    int saved = errno;
    pthread_mutex_unlock(&gate);
    errno = saved;
    return done;
}
int unlink(const char *path) { return unlink_noted(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return unlink_noted(at, path, flags); }
int rmdir(const char *path) { return unlink_noted(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    struct stat s;
    return unlink_noted(AT_FDCWD, path, !lstat(path, &s) && S_ISDIR(s.st_mode) ? AT_REMOVEDIR : 0);
}

#define NAMED(at, path, dir, act) ({ \
    char name_[NAME_MAX + 1]; struct stat stat_; int done_; \
    uint64_t folder_ = parent_of(at, path, name_); \
    if (folder_) { \
        pthread_mutex_lock(&gate); \
        if (fstatat(at, path, &stat_, AT_SYMLINK_NOFOLLOW)) note(POWER_CREATE, folder_, dir, 0, 0, name_, strlen(name_), NULL, 0); \
        done_ = act; \
        int saved_ = errno; pthread_mutex_unlock(&gate); errno = saved_; \
    } else done_ = act; \
    done_; })

int mkdir(const char *path, mode_t mode) { return NAMED(AT_FDCWD, path, 1, (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode)); }
int mkdirat(int at, const char *path, mode_t mode) { return NAMED(at, path, 1, (int)syscall(SYS_mkdirat, at, path, mode)); }
int link(const char *from, const char *to) { return NAMED(AT_FDCWD, to, 0, (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0)); }
int symlink(const char *target, const char *path) { return NAMED(AT_FDCWD, path, 0, (int)syscall(SYS_symlinkat, target, AT_FDCWD, path)); }

ssize_t sendfile64(int out, int in, off64_t *at, size_t length) {
    struct stat s;
    if (tracked(out, &s)) { errno = EINVAL; return -1; }
    return syscall(SYS_sendfile, out, in, at, length);
}
ssize_t sendfile(int out, int in, off_t *at, size_t length) { return sendfile64(out, in, at, length); }

ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t length, unsigned flags) {
    struct stat s;
    if (tracked(out, &s)) { errno = ENOSYS; return -1; }
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, length, flags);
}

int ioctl(int fd, unsigned long request, ...) {
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    struct stat s;
    if ((request == FICLONE || request == FICLONERANGE) && tracked(fd, &s)) { errno = EOPNOTSUPP; return -1; }
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

static void *map_noted(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    struct stat s;
    if (fd >= 0 && protection & PROT_WRITE && flags & MAP_SHARED && tracked(fd, &s)) unsupported("mmap");
    return (void *)syscall(SYS_mmap, at, length, protection, flags, fd, offset);
}
void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) { return map_noted(at, length, protection, flags, fd, offset); }
void *mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset) { return map_noted(at, length, protection, flags, fd, offset); }

// .NET asks libc by name and handle, past the order in which libraries were loaded.
void *dlsym(void *handle, const char *name) {
    static const struct { const char *name; void *own; } all[] = {
#define OWN(name) { #name, (void *)name }
        OWN(open), OWN(open64), OWN(openat), OWN(close), OWN(write), OWN(pwrite), OWN(pwrite64), OWN(writev), OWN(pwritev), OWN(pwritev64), OWN(ftruncate),
        OWN(ftruncate64), OWN(truncate), OWN(fallocate), OWN(fallocate64), OWN(posix_fallocate), OWN(fsync), OWN(fdatasync), OWN(sync), OWN(syncfs), OWN(rename),
        OWN(renameat), OWN(renameat2), OWN(unlink), OWN(unlinkat), OWN(rmdir), OWN(mkdir), OWN(mkdirat), OWN(link), OWN(symlink), OWN(mmap), OWN(mmap64),
    };
    init();
    // RTLD_NEXT means "after the caller": it is passed on by a jump, so that the caller stays the caller.
    if (handle != RTLD_NEXT && handle != RTLD_DEFAULT)
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            if (!strcmp(name, all[i].name)) return all[i].own;
    return real_dlsym(handle, name);
}
