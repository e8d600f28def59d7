/* Work that is mostly the kernel's, as a Linux program without a C library (it runs on BusyBox's initramfs).
     system-work pipes     two processes send a byte to each other and back through two pipes
     system-work mmap      fresh pages are mapped, touched one by one, and given back */

enum {
    sys_exit = 1, sys_fork = 2, sys_read = 3, sys_write = 4, sys_waitpid = 7, sys_pipe = 42, sys_munmap = 91, sys_mmap2 = 192
};

enum { round_trips = 20000, mappings = 100, pages = 512, page_bytes = 4096 };

static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

static char* fresh_pages(void) {
    enum { PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22 };
    long result;
    __asm__ volatile("push %%ebp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%ebp"
                     : "=a"(result)
                     : "0"(sys_mmap2), "b"(0), "c"(pages * page_bytes), "d"(PROT_READ_WRITE), "S"(MAP_PRIVATE_ANONYMOUS),
                       "D"(-1)
                     : "memory");
    return (char*)result;
}

static void print(unsigned long value) {
    char text[12], *at = text + sizeof text;
    *--at = '\n';
    do *--at = (char)('0' + value % 10);
    while (value /= 10);
    call(sys_write, 1, (long)at, text + sizeof text - at);
}

static unsigned long mmap_work(void) {
    unsigned long sum = 0;
    for (int i = 0; i < mappings; ++i) {
        char* memory = fresh_pages();
        for (int page = 0; page < pages; ++page) memory[page * page_bytes] = (char)page;
        for (int page = 0; page < pages; ++page) sum += (unsigned char)memory[page * page_bytes];
        call(sys_munmap, (long)memory, pages * page_bytes, 0);
    }
    return sum;
}

static unsigned long pipe_work(void) {
    int there[2], back[2];
    unsigned char byte = 0;
    call(sys_pipe, (long)there, 0, 0);
    call(sys_pipe, (long)back, 0, 0);
    if (call(sys_fork, 0, 0, 0) == 0) {
        for (int i = 0; i < round_trips; ++i) {
            call(sys_read, there[0], (long)&byte, 1);
            ++byte;
            call(sys_write, back[1], (long)&byte, 1);
        }
        call(sys_exit, 0, 0, 0);
    }
    unsigned long sum = 0;
    for (int i = 0; i < round_trips; ++i) {
        call(sys_write, there[1], (long)&byte, 1);
        call(sys_read, back[0], (long)&byte, 1);
        sum += byte;
    }
    call(sys_waitpid, -1, 0, 0);
    return sum;
}

__attribute__((noreturn, used)) static void begin(long* stack) {
    const char* work = stack[0] > 1 ? (const char*)stack[2] : "";
    print(*work == 'm' ? mmap_work() : pipe_work());
    call(sys_exit, 0, 0, 0);
    for (;;) {
    }
}

__asm__(".globl _start\n_start:\tmov %esp, %eax\n\tand $-16, %esp\n\tsub $12, %esp\n\tpush %eax\n\tcall begin");
