import type { ReactNode } from "react";

export const metadata = { title: "Greenroom with Next" };

export default function Layout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en">
      <body
        style={{
          font: "1rem/1.5 system-ui",
          maxWidth: "40rem",
          margin: "2rem auto",
          colorScheme: "light dark",
        }}
      >
        {children}
      </body>
    </html>
  );
}
