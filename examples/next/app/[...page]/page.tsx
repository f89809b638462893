export default async function Page({ params }: { readonly params: Promise<{ page: string[] }> }) {
  return <p>The page {(await params).page.join("/")}</p>;
}
