/* What the boot sector loads at 10000H, in front of Ringmaster's ELF file, and goes to with DL = the drive. It is a
   Multiboot loader for one kernel: asks the BIOS for the map of memory, opens A20, enters protected mode, puts the ELF
   file's segments where they want to be, and jumps to its entry with EAX = 2BADB002H and EBX = the information.

   The first 256 bytes behind the jump are Ringmaster's options, to be edited in the image:
       printf 'if=trap live\0' | dd of=ringmaster.img bs=1 seek=528 conv=notrunc
   From the first disk the guest is booted from the second one, if there is one ("boot=hd1" in front of them).

   Source: Multiboot Specification 0.6.96, 3.2 and 3.3; ACPI Specification 6.0, 15 (INT 15H, E820H); System V ABI, Intel386
   supplement (ELF). */

        .set    SEGMENT, 0x1000
        .set    INFORMATION, 0x8000             /* linear; all below 7C00H is the stack's */
        .set    MAP, 0x8100
        .set    MAP_END, 0x8800                 /* 74 entries of 24 bytes, the rest is lost */
        .set    MAP_ENTRY, 20                   /* and a size in front */
        .set    LINE, 0x8800
        .set    RAM, 1
        .set    BDA_DISKS, 0x475
        .set    FIRST_DISK, 0x80

        .set    MAGIC, 0x2badb002
        .set    INFORMATION_FLAGS, 0x245        /* memory, command line, map, loader's name */
        .set    FLAGS_WITHOUT_MAP, 0x205

        /* ELF32 header, program header */
        .set    e_entry, 24
        .set    e_phoff, 28
        .set    e_phentsize, 42
        .set    e_phnum, 44
        .set    p_type, 0
        .set    p_offset, 4
        .set    p_paddr, 12
        .set    p_filesz, 16
        .set    p_memsz, 20
        .set    PT_LOAD, 1

        .code16
        .section .loader, "awx"
        .globl  loader
loader: jmp     begin
        .org    16
options:
        .skip   256

begin:  xor     %ax, %ax
        mov     %ax, %es
        cld
        mov     $LINE, %di                      /* the command line: a name, our word, the user's words */
        mov     $name, %si
        call    copy_text
        cmp     $FIRST_DISK, %dl
        jne     1f
        cmpb    $2, %es:BDA_DISKS
        jb      1f
        mov     $second_disk, %si
        call    copy_text
1:      mov     $options, %si
        call    copy_text

        xor     %ebx, %ebx
        mov     $MAP, %di
next_range:
        movl    $MAP_ENTRY, %es:(%di)
        add     $4, %di
        mov     $0xe820, %eax
        mov     $MAP_ENTRY, %ecx
        mov     $0x534d4150, %edx               /* "SMAP" */
        int     $0x15
        jc      ranges_end
        cmp     $0x534d4150, %eax
        jne     ranges_end
        add     $MAP_ENTRY + 4, %di             /* with the size in front of the next */
        cmp     $MAP_END - MAP_ENTRY, %di
        jae     1f
        sub     $4, %di
        test    %ebx, %ebx
        jnz     next_range
        add     $4, %di
1:
ranges_end:
        sub     $4 + MAP, %di                   /* the size in front of what did not come */
        movzwl  %di, %ebp                       /* bytes of the map */
        int     $0x12
        movzwl  %ax, %eax
        mov     %eax, %es:INFORMATION + 4       /* KiB from 0 */
        mov     $0x88, %ah
        int     $0x15
        movzwl  %ax, %eax
        mov     %eax, %es:INFORMATION + 8       /* KiB from 1 MiB, without a map; 64 MiB at most */

        mov     $0x2401, %ax
        int     $0x15                           /* A20 by the BIOS, and by System Control Port A */
        in      $0x92, %al
        or      $0x02, %al
        and     $0xfe, %al
        out     %al, $0x92
        cli
        mov     $SEGMENT, %ax
        mov     %ax, %ds
        lgdtl   gdt_pointer
        mov     %cr0, %eax
        or      $1, %al                         /* PE */
        mov     %eax, %cr0
        ljmpl   $8, $(protected - loader + SEGMENT * 16)

/* Appends the text at CS:SI to ES:DI, and a 0 that the next text overwrites. */
copy_text:
        mov     %cs:(%si), %al
        inc     %si
        stosb
        test    %al, %al
        jnz     copy_text
        dec     %di
        ret

        .code32
protected:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     %eax, %fs
        mov     %eax, %gs
        mov     $0x7c00, %esp

        mov     $INFORMATION, %ebx
        movl    $INFORMATION_FLAGS, (%ebx)
        movl    $LINE, 16(%ebx)
        movl    $(loader_name - loader + SEGMENT * 16), 64(%ebx)
        movl    $MAP, 48(%ebx)
        mov     %ebp, 44(%ebx)
        test    %ebp, %ebp
        jnz     1f
        movl    $FLAGS_WITHOUT_MAP, (%ebx)
        jmp     place
1:      mov     $MAP, %esi                      /* RAM from 1 MiB, from the map: base at 4, length at 12, type at 20 */
        add     %esi, %ebp
2:      cmp     %ebp, %esi
        jae     place
        cmpl    $RAM, 20(%esi)
        jne     3f
        cmpl    $0, 8(%esi)
        jne     3f
        mov     4(%esi), %ecx
        cmp     $0x100000, %ecx
        ja      3f
        add     12(%esi), %ecx
        jc      3f
        sub     $0x100000, %ecx
        jbe     3f
        shr     $10, %ecx
        mov     %ecx, 8(%ebx)
3:      add     $MAP_ENTRY + 4, %esi
        jmp     2b

place:  mov     $elf_at, %ebp                   /* EBP: the file, EDX: a program header */
        mov     e_phoff(%ebp), %edx
        add     %ebp, %edx
        movzwl  e_phnum(%ebp), %eax
next_segment:
        test    %eax, %eax
        jz      enter
        cmpl    $PT_LOAD, p_type(%edx)
        jne     1f
        mov     p_offset(%edx), %esi
        add     %ebp, %esi
        mov     p_paddr(%edx), %edi
        mov     p_filesz(%edx), %ecx
        rep movsb
        mov     p_memsz(%edx), %ecx
        sub     p_filesz(%edx), %ecx
        push    %eax
        xor     %eax, %eax
        rep stosb
        pop     %eax
1:      movzwl  e_phentsize(%ebp), %ecx
        add     %ecx, %edx
        dec     %eax
        jmp     next_segment

enter:  mov     e_entry(%ebp), %ecx
        mov     $MAGIC, %eax
        jmp     *%ecx

name:   .asciz  "ringmaster "
second_disk:
        .asciz  "boot=hd1 "
loader_name:
        .asciz  "Ringmaster's boot sector"
        .balign 8
gdt:    .quad   0
        .quad   0x00cf9a000000ffff              /* 08: code, base 0, limit 4 GiB */
        .quad   0x00cf92000000ffff              /* 10: data, likewise */
gdt_pointer:
        .word   23
        .long   gdt - loader + SEGMENT * 16

        .section .elf, "a"
        .incbin RINGMASTER

        .section .note.GNU-stack, "", @progbits
