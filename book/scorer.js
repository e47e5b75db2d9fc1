/* Sphinx's own scores of search results, but pages whose title begins with what was asked come first: Sphinx
   does not look for numbers, and every theorem is a match for "Theorem 3". */
var Scorer = {
  score: ([, title, , , score]) => {
    const asked = new URLSearchParams(window.location.search).get("q") ?? "";
    return score + (asked && title.toLowerCase().startsWith(asked.trim().toLowerCase()) ? 100 : 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
