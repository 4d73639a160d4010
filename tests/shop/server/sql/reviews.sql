SELECT r.id, r.author, r.stars, r.title, r.body, r.helpful, r.language, r.created_at
FROM reviews r
WHERE r.article_id = ?
ORDER BY r.created_at DESC, r.id DESC
LIMIT ?
