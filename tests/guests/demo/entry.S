/* The first instructions of the kernel, at 1 MiB, in protected mode with paging off.

   Two loaders come here: our boot sector jumps to the first byte; a Multiboot loader (GRUB, or the -kernel option of an
   emulator) finds the header below in the ELF file and jumps to `start` with EAX = 2BADB002. Neither gives us a stack,
   and the flat file that the boot sector loads does not contain .bss, so both are made here. */

        .set    MULTIBOOT_MAGIC, 0x1badb002
        .set    MULTIBOOT_FLAGS, 0

        .section .entry, "ax"
        .globl  start
start:  jmp     1f
        .balign 4
        .long   MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

1:      cli
        cld
        mov     $kernel_stack_top, %esp
        mov     %eax, %ebx                      /* who loaded us; STOS needs EAX */
        mov     $bss_begin, %edi
        mov     $bss_end, %ecx
        sub     %edi, %ecx
        xor     %eax, %eax
        rep stosb
        fninit                                  /* the Mandelbrot set is computed by the x87 unit */
        push    %ebx
        call    kernel_main
2:      hlt
        jmp     2b

        .section .stack, "aw", @nobits
        .balign 16
        .skip   16384
kernel_stack_top:

        .section .note.GNU-stack, "", @progbits
