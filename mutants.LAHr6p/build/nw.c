#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <linux/fs.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
static char old[1<<20];
static int probe(const char*d,size_t len,off_t off){int fd=open(d,O_RDWR|O_DIRECT);static void*h;if(!h)h=mmap(0,1<<20,PROT_NONE,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);
struct iovec a={h,len};errno=0;pwritev2(fd,&a,1,off,RWF_NOWAIT);int e=errno;close(fd);return e;}
int main(int c,char**v){const char*d=v[1];int zero=0;
for(int mode=0;mode<8;mode++){
 int fd=open(d,O_RDWR); if(mode&1)posix_fadvise(fd,0,0,POSIX_FADV_RANDOM);
 pwrite(fd,old,32768,0);fsync(fd); if(mode&2) ioctl(fd,BLKFLSBUF); else posix_fadvise(fd,0,0,POSIX_FADV_DONTNEED);
 ioctl(fd,BLKROSET,&zero); close(fd);
 printf("mode %d: 16k %d 512@0 %d @4k %d @8k %d @12k %d",mode,probe(d,16384,0),probe(d,512,0),probe(d,512,4096),probe(d,512,8192),probe(d,512,12288));
 fd=open(d,O_RDONLY); posix_fadvise(fd,0,0,POSIX_FADV_RANDOM); if(mode&4){char b;pread(fd,&b,1,16383);pread(fd,&b,1,16384);} close(fd);
 printf("\n");
}}
